import type { PacedLatency } from './latency.ts';
import { bestRate, leastCpu, type Measured, percent } from './report.ts';
import { type Bar, barChart, lineChart } from './svg.ts';
import type { Sweep, SweepName } from './sweep.ts';

/** Messages a second of the limit, of the official client and of the service, by the share of bad messages. */
export function throughputPlot({ flows, floods }: Measured): string {
  const bars = flows.flatMap(({ badShare, runs: { limit, service, client } }): Bar[] => {
    const [most, ours, theirs] = [limit, service, client].map((runs) => bestRate(runs) ?? 0) as [number, number, number];
    return [
      { label: `${percent(badShare)} bad: limit (C, no checks)`, value: most, series: 0 },
      ...(client.length === 0 ? [] : [{ label: 'official client, no checks', value: theirs, series: 2 }]),
      { label: 'DataQuarantine', value: ours, series: 1, note: `${thousands(ours)} (${(ours / most).toFixed(2)})` },
    ];
  });
  const flood = bestRate(floods.map(({ service }) => service));
  if (flood !== null) bars.push({ label: '100 % bad: DataQuarantine', value: flood, series: 1 });
  return barChart({
    title: 'Throughput, best round',
    unit: 'messages a second; in parentheses: of the best round of the limit in the same run',
    bars: bars.map((bar) => ({ ...bar, note: bar.note ?? thousands(bar.value) })),
  });
}

export function latencyPlot(latencies: readonly PacedLatency[]): string {
  const bars = latencies.flatMap(({ rate, hop, service }): Bar[] => [
    { label: `${thousands(rate)}/s: bare hop, p50`, value: hop.p50Ms, series: 0 },
    { label: 'DataQuarantine, p50', value: service.p50Ms, series: 1 },
    { label: 'bare hop, p99', value: hop.p99Ms, series: 0 },
    { label: 'DataQuarantine, p99', value: service.p99Ms, series: 1 },
  ]);
  return barChart({
    title: 'Time from source topic to valid topic',
    unit: 'milliseconds',
    bars: bars.map((bar) => ({ ...bar, note: `${bar.value.toFixed(1)} ms` })),
  });
}

const sweepTitles: Readonly<Record<SweepName, readonly [title: string, xLabel: string]>> = {
  size: ['Size of a message', 'bytes of a message'],
  schemas: ['Number of schemas', 'schemas, each the same under another name'],
  partitions: ['Number of partitions', 'partitions of source and target'],
  invalid: ['Share of bad messages', 'bad messages'],
};

/** The rate in messages a second; where messages differ in size, in megabytes a second. */
export function sweepRatePlot({ name, points }: Sweep): string {
  const [title, xLabel] = sweepTitles[name];
  const scale = (bytes: number) => (name === 'size' ? bytes / 1e6 : 1);
  const line = (way: 'limit' | 'service') =>
    points.map(({ at, bytesPerMessage, runs }) => [at, (bestRate(runs[way]) ?? 0) * scale(bytesPerMessage)] as const);
  return lineChart({
    title: `${title}: throughput`,
    xLabel,
    yLabel: name === 'size' ? 'megabytes a second' : 'messages a second',
    series: [
      { name: 'limit (C, no checks)', points: line('limit') },
      { name: 'DataQuarantine', points: line('service') },
    ],
    formatX: name === 'invalid' ? percent : thousands,
  });
}

/** The processor time of the service; where messages differ in size, for a byte. */
export function sweepCostPlot({ name, points }: Sweep): string {
  const [title, xLabel] = sweepTitles[name];
  const cost = points.flatMap(({ at, bytesPerMessage, runs }) => {
    const micros = leastCpu(runs.service);
    return micros === null ? [] : [[at, name === 'size' ? (micros * 1_000) / bytesPerMessage : micros] as const];
  });
  return lineChart({
    title: `${title}: processor time`,
    xLabel,
    yLabel: name === 'size' ? 'nanoseconds a byte, all threads' : 'microseconds a message, all threads',
    series: [{ name: 'DataQuarantine', points: cost }],
    formatX: name === 'invalid' ? percent : thousands,
  });
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}
