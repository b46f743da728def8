import type { Report } from './report.ts';

/** A ratio that fell below so much of the baseline's has been lost; less than that is the noise of shared machines. */
const shareMin = 0.6;

/** What is compared of a report. */
export type Compared = Pick<Report, 'hop' | 'hopReports' | 'engine' | 'floods'>;

/** One ratio beside the baseline's. */
export interface Comparison {
  readonly name: string;
  readonly baseline: number;
  readonly now: number;
  readonly lost: boolean;
}

/** Rates of both sides of each ratio, by round. */
const sides: Readonly<Record<string, (report: Compared) => readonly [readonly number[], readonly number[]]>> = {
  'engine ÷ hop': ({ engine, hop }) => [rates(engine), rates(hop)],
  'engine ÷ hop with reports': ({ engine, hopReports }) => [rates(engine), rates(hopReports)],
  'all bad ÷ COPY, indexed table': ({ floods }) => [
    rates(floods.map(({ engine }) => engine)),
    floods.map(({ indexedCopy }) => indexedCopy.rowsPerSecond),
  ],
};

/**
 * Compares ratios, because absolute figures say more about the machine than about the code. The best round of each side counts: it
 * is the one that others disturbed least. What one of the two reports has not measured is left out.
 */
export function compare(baseline: Compared, now: Compared): Comparison[] {
  return Object.entries(sides).flatMap(([name, sidesOf]) => {
    const [before, after] = [bestRatio(sidesOf(baseline)), bestRatio(sidesOf(now))];
    return before === null || after === null ? [] : [{ name, baseline: before, now: after, lost: after < before * shareMin }];
  });
}

function bestRatio([one, other]: readonly [readonly number[], readonly number[]]): number | null {
  return one.length === 0 || other.length === 0 ? null : Math.max(...one) / Math.max(...other);
}

function rates(runs: Compared['hop']): number[] {
  return runs.map(({ messagesPerSecond }) => messagesPerSecond);
}
