import type { BareCopy } from './bare-copy.ts';
import { type Bar, barsOf } from './bars.ts';
import type { Latency } from './latency.ts';
import type { Reload } from './reload.ts';
import type { ReplayRun } from './replay.ts';
import {
  bestCopy,
  bestRate,
  type Heading,
  leastCpu,
  type Measured,
  median,
  medianRate,
  percent,
  type Report,
  ratio,
  wayOf,
} from './report.ts';
import type { Run, Way } from './run.ts';
import type { Safety } from './safety.ts';
import type { Search } from './search.ts';
import { type Sweep, type SweepName, sweepNames } from './sweep.ts';

/** The whole report, for a terminal and for `bench/README.md`. */
export function toMarkdown(report: Report): string {
  const parts = [
    headingLines(report, wayOf(report)),
    throughputTable(report),
    latencyTable(report),
    microTable(report),
    barTable(report),
    ...report.sweeps.map(sweepTable),
    reloadTable(report.reloads),
    replayTable(report.replay),
    searchTable(report.searches),
    safetyTable(report.safeties),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Where, when, on what and by which way. */
export function headingLines({ commit, at, machine }: Heading, way: Way | null): string {
  const took = way === null ? '' : `; ${way.lane} lane, ${way.engine} engine`;
  const allocator = machine.allocator === undefined ? '' : `, the service on ${machine.allocator}`;
  return [
    `Commit ${commit}, ${at.slice(0, 10)}${took}.`,
    `${machine.cores} cores of ${machine.cpu}, Node ${machine.node}${allocator}, load before and after ${machine.loadBefore} and ${machine.loadAfter}; ${machine.servers.join(', ')}.`,
  ].join(' ');
}

/** The throughput of all ways, and what the service reaches of each yardstick in the same run, best against best and median against median. */
export function throughputTable({ flows, floods }: Measured): string {
  const rows = flows.flatMap(({ badShare, runs: { limit, service, client } }) => {
    const row = (name: string, runs: readonly Run[]) => [
      percent(badShare),
      name,
      ...figures(runs),
      ...[bestRate, medianRate].map((rateOf) => fixed(runs === service ? null : ratio(rateOf(service), rateOf(runs)), 2)),
    ];
    return [
      row('librdkafka in C, nothing but pass-through: the limit', limit),
      ...(client.length === 0 ? [] : [row('the official client, consume → produce by hand, nothing judged', client)]),
      row('**DataQuarantine**', service),
    ];
  });
  const services = floods.map(({ service }) => service);
  const copy = (name: string, into: 'indexedCopy' | 'plainCopy') => {
    const rates = floods.map((flood): BareCopy => flood[into]).map(({ rowsPerSecond }) => rowsPerSecond);
    const shares = [ratio(bestRate(services), bestCopy(floods, into)), ratio(medianRate(services), median(rates))];
    return [percent(1), name, ...rateCells(rates), '', '', ...shares.map((share) => fixed(share, 2))];
  };
  const flooded = [
    copy('COPY alone of the same rows in the same batches, same keys and indexes', 'indexedCopy'),
    copy('COPY alone of the same rows, no keys, no indexes', 'plainCopy'),
    [percent(1), '**DataQuarantine**: payload, row, dead letter, commit', ...figures(services), '', ''],
  ];
  return table(
    ['bad', 'way', 'messages/s: best', 'median', 'CPU µs a message: least', 'resident MB: peak', 'DataQuarantine ÷ this: best', 'median'],
    [...rows, ...(floods.length === 0 ? [] : flooded)],
  );
}

function figures(runs: readonly Run[]): string[] {
  const peaks = runs.flatMap(({ residentBytesPeak }) => residentBytesPeak ?? []);
  const peak = peaks.length === 0 ? null : Math.max(...peaks) / 1e6;
  return [...rateCells(runs.map(({ messagesPerSecond }) => messagesPerSecond)), fixed(leastCpu(runs), 1), fixed(peak, 0)];
}

function rateCells(rates: readonly number[]): string[] {
  return rates.length === 0 ? ['–', '–'] : [whole(Math.max(...rates)), whole(median(rates))];
}

export function latencyTable({ latencies }: Measured): string {
  const row = (rate: number, name: string, { p50Ms, p95Ms, p99Ms, sent, seen }: Latency) => [
    `${whole(rate)}/s`,
    name,
    ...[p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(1)),
    whole(sent - seen),
  ];
  return table(
    ['rate', 'way', 'p50 ms', 'p95 ms', 'p99 ms', 'not seen'],
    latencies.flatMap(({ rate, hop, service }) => [
      row(rate, 'librdkafka in C, message by message', hop),
      row(rate, '**DataQuarantine**', service),
    ]),
  );
}

function microTable({ micro }: Measured): string {
  return table(
    ['work on one core', 'µs a message'],
    Object.entries(micro ?? {}).map(([name, micros]) => [name, micros.toFixed(2)]),
  );
}

/** All bars, those too that this run has not measured, unless it has measured none. */
export function barTable(measured: Measured): string {
  const wordOf = ({ met, part }: Bar) => {
    if (met !== null) return met ? 'met' : 'MISSED';
    return part ? `has its own part: \`${part}\`` : 'not measured';
  };
  const bars = barsOf(measured);
  return table(
    ['bar', '', 'found', ''],
    bars.every(({ met }) => met === null) ? [] : bars.map((bar) => [bar.what, bar.bar, bar.found, wordOf(bar)]),
  );
}

const sweepWords: Readonly<Record<SweepName, { readonly head: string; readonly words: (at: number) => string }>> = {
  size: { head: 'bytes of a message', words: whole },
  schemas: { head: 'schemas', words: whole },
  partitions: { head: 'partitions', words: whole },
  invalid: { head: 'bad', words: percent },
};

export function sweepTable({ name, points }: Sweep): string {
  const { head, words } = sweepWords[name];
  return table(
    [head, 'limit, messages/s', 'DataQuarantine, messages/s', 'ratio', 'CPU µs a message', 'CPU ns a byte', 'resident MB: peak'],
    points.map(({ at, bytesPerMessage, runs: { limit, service } }) => {
      const [, , cpu = '–', peak = '–'] = figures(service);
      const micros = leastCpu(service);
      return [
        words(at),
        ...[limit, service].map((runs) => whole(bestRate(runs) ?? Number.NaN)),
        fixed(ratio(bestRate(service), bestRate(limit)), 2),
        cpu,
        fixed(micros === null ? null : (micros * 1_000) / bytesPerMessage, 1),
        peak,
      ];
    }),
  );
}

/** The bar is a share of 0.90; the slowest second out of the reload says how much of a dip is the machine's own. */
export function reloadTable(reloads: readonly Reload[]): string {
  return table(
    [
      'new schemas',
      'seconds',
      'messages/s before',
      'during',
      'after',
      'during ÷ usual',
      'slowest second ÷ usual',
      'the same, out of the reload',
    ],
    reloads.map(({ schemas, seconds, before, during, after, share, leastShare, leastShareElse }) => [
      whole(schemas),
      fixed(seconds, 1),
      ...[before, during, after].map(whole),
      ...[share, leastShare, leastShareElse].map((part) => fixed(part, 2)),
    ]),
  );
}

/** The bar is a ratio of 0.97, on ÷ off; the medians say how far rounds lie apart. */
export function safetyTable(safeties: readonly Safety[]): string {
  return table(
    ['bad', 'the spool is', 'messages/s: best', 'median', 'CPU µs a message: least', 'resident MB: peak', 'on ÷ off: best', 'median'],
    safeties.flatMap(({ badShare, runs: { on, off } }) => [
      [
        percent(badShare),
        'on',
        ...figures(on),
        fixed(ratio(bestRate(on), bestRate(off)), 3),
        fixed(ratio(medianRate(on), medianRate(off)), 3),
      ],
      [percent(badShare), 'off', ...figures(off), '', ''],
    ]),
  );
}

/** The bar is a minute for 10,000 records, with nothing lost, doubled or reordered. */
export function replayTable(replay: ReplayRun | null): string {
  const rows = replay === null ? [] : [replay];
  return table(
    ['records of one cause', 'repair, s', 'plan with dry run, s', 'replay, s', 'together, s', 'lost', 'doubled', 'reordered'],
    rows.map(({ records, repairSeconds, planSeconds, replaySeconds, lost, doubled, reordered }) => [
      whole(records),
      ...[repairSeconds, planSeconds, replaySeconds, repairSeconds + planSeconds + replaySeconds].map((seconds) => fixed(seconds, 1)),
      ...[lost, doubled, reordered].map(whole),
    ]),
  );
}

/** The bar is 100 ms for the first page of any list. */
export function searchTable(searches: readonly Search[]): string {
  return table(
    ['records', 'list', 'rows', 'first page, ms: best', 'median'],
    searches.map(({ records, what, rows, bestMs, medianMs }) => [whole(records), what, whole(rows), fixed(bestMs, 1), fixed(medianMs, 1)]),
  );
}

/** All sweeps that there are, in their usual order, each under its own heading. */
export function sweepSections(sweeps: readonly (Heading & { readonly sweep: Sweep })[]): string {
  const ordered = sweepNames.flatMap((name) => sweeps.filter(({ sweep }) => sweep.name === name));
  return ordered
    .map(
      ({ sweep, ...heading }) =>
        `![${sweep.name}](results/sweep-${sweep.name}.svg)\n\n${sweepTable(sweep)}\n\n${headingLines(heading, wayOf({ sweeps: [sweep] }))}`,
    )
    .join('\n\n');
}

/** Empty where there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return rows.length === 0 ? '' : [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`. Throws where there is no such place. */
export function replaceBlock(page: string, name: string, block: string): string {
  const [opening, closing] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(opening);
  const to = page.indexOf(closing, from);
  if (from < 0 || to < 0) throw new Error(`the page has no place "${opening} … ${closing}"`);
  return `${page.slice(0, from + opening.length)}\n${block}\n${page.slice(to)}`;
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function fixed(number: number | null, digits: number): string {
  return number === null ? '' : number.toFixed(digits);
}
