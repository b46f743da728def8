import type { Flood } from './flood.ts';
import type { PacedLatency } from './latency.ts';
import type { Machine } from './machine.ts';
import type { Micro } from './micro.ts';
import type { Reload } from './reload.ts';
import type { ReplayRun } from './replay.ts';
import type { Run, Way } from './run.ts';
import type { Safety } from './safety.ts';
import type { Search } from './search.ts';
import type { Sweep } from './sweep.ts';
import type { Flow } from './throughput.ts';

/** What was measured, of what, and on what. */
export interface Heading {
  readonly at: string;
  /** Of the tree that was measured; `+` behind it means that files were changed since. */
  readonly commit: string;
  readonly machine: Machine;
}

/** Everything that one call measured; what was not asked for is empty. Rounds stand in the order they ran. */
export interface Report extends Heading {
  readonly flows: readonly Flow[];
  readonly floods: readonly Flood[];
  readonly latencies: readonly PacedLatency[];
  readonly micro: Micro | null;
  readonly sweeps: readonly Sweep[];
  readonly reloads: readonly Reload[];
  readonly replay: ReplayRun | null;
  readonly searches: readonly Search[];
  readonly safeties: readonly Safety[];
}

/** Values by what they compare: the larger, the better for us. */
export type Ratios = Readonly<Record<string, number>>;

/** What was measured, but for where and when. */
export type Measured = Omit<Report, keyof Heading>;

/**
 * What is compared from commit to commit: two sides that ran within minutes of each other, because absolute figures say more about
 * the machine than about the code. The best round of each side counts: it is the one that others disturbed least.
 */
export function ratiosOf({ flows, floods, micro }: Measured): Ratios {
  const ratios: Record<string, number | null> = {};
  for (const { badShare, runs } of flows) {
    const name = `${percent(badShare)} bad`;
    ratios[`${name}: service ÷ limit`] = ratio(bestRate(runs.service), bestRate(runs.limit));
    ratios[`${name}: CPU of the limit ÷ of the service`] = ratio(leastCpu(runs.limit), leastCpu(runs.service));
  }
  ratios['all bad: service ÷ COPY'] = ratio(bestRate(floods.map(({ service }) => service)), bestCopy(floods, 'indexedCopy'));
  if (micro !== null) {
    ratios['judge, js: time of parse + ajv ÷ its own'] = ratio(micro['parse + ajv'] ?? null, micro['judge, js'] ?? null);
    ratios['judge, native: time of parse + ajv ÷ its own'] = ratio(micro['parse + ajv'] ?? null, micro['judge, native'] ?? null);
  }
  return Object.fromEntries(Object.entries(ratios).filter((entry): entry is [string, number] => entry[1] !== null));
}

export function ratio(one: number | null, other: number | null): number | null {
  return one === null || other === null || other === 0 ? null : one / other;
}

export function bestRate(runs: readonly Run[]): number | null {
  return runs.length === 0 ? null : Math.max(...runs.map(({ messagesPerSecond }) => messagesPerSecond));
}

export function medianRate(runs: readonly Run[]): number | null {
  return runs.length === 0 ? null : median(runs.map(({ messagesPerSecond }) => messagesPerSecond));
}

export function leastCpu(runs: readonly Run[]): number | null {
  const cpu = runs.flatMap(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage ?? []);
  return cpu.length === 0 ? null : Math.min(...cpu);
}

export function bestCopy(floods: readonly Flood[], table: 'indexedCopy' | 'plainCopy'): number | null {
  return floods.length === 0 ? null : Math.max(...floods.map((flood) => flood[table].rowsPerSecond));
}

/** The most bytes that were resident in any run of the service. */
export function residentPeak({ flows, floods }: Measured): number | null {
  const runs = [...flows.flatMap(({ runs: { service } }) => service), ...floods.map(({ service }) => service)];
  const peaks = runs.flatMap(({ residentBytesPeak }) => residentBytesPeak ?? []);
  return peaks.length === 0 ? null : Math.max(...peaks);
}

/** The lane and the engine that served, null when the service did not run. */
export function wayOf({ flows, floods, sweeps, reloads, safeties }: Partial<Measured>): Way | null {
  const run = flows?.[0]?.runs.service[0] ?? floods?.[0]?.service ?? sweeps?.[0]?.points[0]?.runs.service[0] ?? safeties?.[0]?.runs.on[0];
  return run?.way ?? reloads?.[0]?.way ?? null;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
