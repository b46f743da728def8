import type { Ratios } from './report.ts';

/** A ratio that fell below so much of the baseline's has been lost; less than that is the noise of shared machines. */
const shareMin = 0.6;

/** One ratio beside the baseline's: the best round of each. */
export interface Comparison {
  readonly name: keyof Ratios;
  readonly baseline: number;
  readonly now: number;
  readonly lost: boolean;
}

/** Only ratios within one run are compared: absolute figures say more about the machine than about the code. */
export function compare(baseline: Ratios, now: Ratios): Comparison[] {
  const names = Object.keys(baseline) as (keyof Ratios)[];
  return names
    .filter((name) => baseline[name].length > 0 && now[name].length > 0)
    .map((name) => {
      const [before, after] = [Math.max(...baseline[name]), Math.max(...now[name])];
      return { name, baseline: before, now: after, lost: after < before * shareMin };
    });
}
