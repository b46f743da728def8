import type { BareCopy } from './bare-copy.ts';
import type { Latency } from './latency.ts';
import type { Machine } from './machine.ts';
import type { Micro } from './micro.ts';
import type { Run } from './throughput.ts';

/** One round of the quarantine: the engine with nothing but bad messages, then COPY alone with the rows that it wrote. */
export interface Flood {
  readonly engine: Run;
  readonly plainCopy: BareCopy;
  readonly indexedCopy: BareCopy;
}

export interface PacedLatency {
  readonly rate: number;
  readonly hop: Latency;
  readonly engine: Latency;
}

/** Everything that one call measured; what was not asked for is empty. Rounds stand in the order they ran. */
export interface Report {
  readonly at: string;
  /** Of the tree that was measured; `+` behind it means that files were changed since. */
  readonly commit: string;
  readonly machine: Machine;
  readonly hop: readonly Run[];
  readonly hopReports: readonly Run[];
  readonly engine: readonly Run[];
  readonly floods: readonly Flood[];
  readonly micro: Micro | null;
  readonly latencies: readonly PacedLatency[];
  readonly ratios: Ratios;
}

/** Each value by round; both sides of a ratio ran within a minute of each other. */
export interface Ratios {
  readonly engineToHop: readonly number[];
  readonly engineToHopReports: readonly number[];
  /** Against COPY into a table without keys and indexes. */
  readonly floodToPlainCopy: readonly number[];
  /** Against COPY into a table with those of the real one. */
  readonly floodToIndexedCopy: readonly number[];
}

export function ratiosOf({ hop, hopReports, engine, floods }: Omit<Report, 'ratios'>): Ratios {
  return {
    engineToHop: byRound(engine, hop),
    engineToHopReports: byRound(engine, hopReports),
    floodToPlainCopy: floods.map(({ engine: run, plainCopy }) => run.messagesPerSecond / plainCopy.rowsPerSecond),
    floodToIndexedCopy: floods.map(({ engine: run, indexedCopy }) => run.messagesPerSecond / indexedCopy.rowsPerSecond),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

function byRound(runs: readonly Run[], others: readonly Run[]): number[] {
  if (others.length === 0) return [];
  return runs.map(({ messagesPerSecond }, round) => messagesPerSecond / (others[round] as Run).messagesPerSecond);
}

/** What the figures are held against: the bars of the project. */
const bars: readonly { what: string; said: string; met: (report: Report) => boolean | null }[] = [
  {
    what: 'engine ÷ hop',
    said: '≥ 0.6',
    met: ({ ratios }) => (ratios.engineToHop.length === 0 ? null : median(ratios.engineToHop) >= 0.6),
  },
  {
    what: 'resident memory of the engine',
    said: '≤ 500 MB',
    met: ({ engine, floods }) => allAtMost([...engine, ...floods.map((flood) => flood.engine)], 500e6),
  },
  {
    what: 'all bad',
    said: '≥ 15,000/s',
    met: ({ floods }) => (floods.length === 0 ? null : median(floods.map(({ engine }) => engine.messagesPerSecond)) >= 15_000),
  },
  {
    what: 'all bad ÷ bare COPY, indexed table',
    said: '≥ 0.25',
    met: ({ ratios }) => (ratios.floodToIndexedCopy.length === 0 ? null : median(ratios.floodToIndexedCopy) >= 0.25),
  },
  {
    what: 'all bad ÷ bare COPY, plain table',
    said: '≥ 0.25',
    met: ({ ratios }) => (ratios.floodToPlainCopy.length === 0 ? null : median(ratios.floodToPlainCopy) >= 0.25),
  },
];

function allAtMost(runs: readonly Run[], bytesMax: number): boolean | null {
  const peaks = runs.flatMap(({ residentBytesPeak }) => residentBytesPeak ?? []);
  return peaks.length === 0 ? null : Math.max(...peaks) <= bytesMax;
}

/** The report as Markdown, for a terminal and for `bench/README.md`. */
export function toMarkdown(report: Report): string {
  const { machine, commit, at } = report;
  const head = [
    `Commit ${commit}, ${at.slice(0, 10)}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}, load before and after ${machine.loadBefore} and ${machine.loadAfter}.`,
    machine.servers.join('; '),
  ];
  const sections = [
    head.join('\n'),
    throughputTable(report),
    floodTable(report),
    latencyTable(report),
    microTable(report),
    barLines(report),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function throughputTable({ hop, hopReports, engine, ratios }: Report): string {
  if (hop.length + hopReports.length + engine.length === 0) return '';
  return table(waysHead, [
    runRow('client hop, no delivery reports', hop, share(ratios.engineToHop, engine, hop)),
    runRow('client hop, every delivery report counted', hopReports, share(ratios.engineToHopReports, engine, hopReports)),
    runRow('engine, 5 % bad', engine, ''),
  ]);
}

function floodTable({ floods, ratios }: Report): string {
  if (floods.length === 0) return '';
  const runs = floods.map(({ engine }) => engine);
  const copyRow = (name: string, copies: readonly BareCopy[], rounds: readonly number[]) => {
    const perSecond = copies.map(({ rowsPerSecond }) => ({ messagesPerSecond: rowsPerSecond }));
    return [name, rates(perSecond), share(rounds, runs, perSecond), '', ''];
  };
  const plain = floods.map(({ plainCopy }) => plainCopy);
  const indexed = floods.map(({ indexedCopy }) => indexedCopy);
  return table(waysHead, [
    runRow('engine, all bad: segment, row, dead letter, commit', runs, ''),
    copyRow('bare COPY of the same rows, table with the same keys and indexes', indexed, ratios.floodToIndexedCopy),
    copyRow('bare COPY of the same rows, plain table', plain, ratios.floodToPlainCopy),
  ]);
}

const waysHead = [
  'way',
  'messages/s: median (best)',
  'engine ÷ this: median (best ÷ best)',
  'CPU µs a message',
  'resident MB: peak (mean)',
];

function latencyTable({ latencies }: Report): string {
  if (latencies.length === 0) return '';
  const row = (rate: number, name: string, { p50Ms, p95Ms, p99Ms, sent, seen }: Latency) => [
    `${count(rate)}/s`,
    name,
    ...[p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(1)),
    seen === sent ? '0' : count(sent - seen),
  ];
  return table(
    ['rate', 'way', 'p50 ms', 'p95 ms', 'p99 ms', 'not seen'],
    latencies.flatMap(({ rate, hop, engine }) => [row(rate, 'client hop', hop), row(rate, 'engine', engine)]),
  );
}

function microTable({ micro }: Report): string {
  if (micro === null) return '';
  return table(
    ['work on one core', 'µs a message'],
    Object.entries(micro).map(([name, micros]) => [name, micros.toFixed(2)]),
  );
}

function barLines(report: Report): string {
  const words = { true: 'met', false: 'MISSED', null: 'not measured' };
  return table(
    ['bar', '', ''],
    bars.map(({ what, said, met }) => [what, said, words[`${met(report)}`]]),
  );
}

function runRow(name: string, runs: readonly Run[], ratio: string): string[] {
  const cpu = runs.flatMap(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage ?? []);
  const peaks = runs.flatMap(({ residentBytesPeak }) => residentBytesPeak ?? []);
  const means = runs.flatMap(({ residentBytesMean }) => residentBytesMean ?? []);
  return [
    name,
    rates(runs),
    ratio,
    cpu.length === 0 ? '–' : median(cpu).toFixed(1),
    peaks.length === 0 ? '–' : `${megabytes(Math.max(...peaks))} (${megabytes(median(means))})`,
  ];
}

type Rate = Pick<Run, 'messagesPerSecond'>;

function best(runs: readonly Rate[]): number {
  return Math.max(...runs.map(({ messagesPerSecond }) => messagesPerSecond));
}

/** The median of the rounds, and the engine's best round against the other's best: a yardstick that was disturbed flatters a round. */
function share(rounds: readonly number[], engine: readonly Rate[], other: readonly Rate[]): string {
  return rounds.length === 0 ? '' : `${median(rounds).toFixed(2)} (${(best(engine) / best(other)).toFixed(2)})`;
}

function rates(runs: readonly Rate[]): string {
  return runs.length === 0 ? '–' : `${count(median(runs.map(({ messagesPerSecond }) => messagesPerSecond)))} (${count(best(runs))})`;
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
