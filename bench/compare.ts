import { table } from './markdown.ts';
import type { Heading, Ratios } from './report.ts';
import type { Way } from './run.ts';

/** What `bench:compare` holds a run against: the ratios of a run of the same sizes, committed with the code. */
export interface Baseline extends Heading {
  readonly way: Way | null;
  readonly ratios: Ratios;
}

/** What a ratio may lose, as shares of the baseline's. Shared machines are noisy: only the second is a failure. */
const warnPast = 0.15;
const failPast = 0.4;

/** One ratio beside the baseline's. `gone`: the baseline has it and this run has not. `new`: the other way round. */
export interface Comparison {
  readonly name: string;
  readonly before: number | null;
  readonly now: number | null;
  readonly said: 'ok' | 'WARNING' | 'LOST' | 'new' | 'gone';
}

/** Compares ratio by ratio; the larger is the better in all of them. */
export function compare(before: Ratios, now: Ratios): Comparison[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].map((name) => {
    const [was, is] = [before[name] ?? null, now[name] ?? null];
    return { name, before: was, now: is, said: judge(was, is) };
  });
}

/** Has something been lost that must not be? A ratio that is gone is: nobody can say that it held. */
export function isLost(comparisons: readonly Comparison[]): boolean {
  return comparisons.some(({ said }) => said === 'LOST' || said === 'gone');
}

export function comparisonTable(comparisons: readonly Comparison[]): string {
  return table(
    ['ratio within one run', 'baseline', 'now', 'change', ''],
    comparisons.map(({ name, before, now, said }) => [name, words(before), words(now), change(before, now), said]),
  );
}

function judge(before: number | null, now: number | null): Comparison['said'] {
  if (before === null) return 'new';
  if (now === null) return 'gone';
  if (now < before * (1 - failPast)) return 'LOST';
  return now < before * (1 - warnPast) ? 'WARNING' : 'ok';
}

function words(ratio: number | null): string {
  return ratio === null ? '–' : ratio.toFixed(3);
}

function change(before: number | null, now: number | null): string {
  if (before === null || now === null) return '';
  const share = Math.round((now / before - 1) * 100);
  return `${share < 0 ? '−' : '+'}${Math.abs(share)} %`;
}
