import { expect, test } from 'vitest';
import { barsOf } from './bars.ts';
import type { Latency } from './latency.ts';
import { barTable, replaceBlock, throughputTable, toMarkdown } from './markdown.ts';
import { type Measured, median, type Report, ratiosOf } from './report.ts';
import type { Run } from './run.ts';

const run = (messagesPerSecond: number, cpuMicrosPerMessage = 2): Run => ({
  way: { lane: 'native', engine: 'native' },
  messages: 1,
  seconds: 1,
  messagesPerSecond,
  cpuMicrosPerMessage,
  residentBytesPeak: 200e6,
  residentBytesMean: null,
});
const copy = (rowsPerSecond: number) => ({ rows: 1, batches: 1, rowsPerSecond });
const latency = (p50Ms: number, p99Ms: number): Latency => ({ sent: 9, seen: 9, p50Ms, p95Ms: p50Ms, p99Ms, maxMs: p99Ms });

const nothing: Measured = {
  flows: [],
  floods: [],
  latencies: [],
  micro: null,
  sweeps: [],
  reloads: [],
  replay: null,
  searches: [],
  safeties: [],
};
const measured: Measured = {
  ...nothing,
  flows: [
    { badShare: 0.005, messages: 1, runs: { limit: [run(500, 1), run(400, 1)], client: [], service: [run(300), run(400)] } },
    { badShare: 0.05, messages: 1, runs: { limit: [run(500, 1)], client: [run(100, 9)], service: [run(150, 5)] } },
  ],
  floods: [{ service: run(20_000), indexedCopy: copy(100_000), plainCopy: copy(200_000) }],
  latencies: [{ rate: 10_000, hop: latency(1, 5), service: latency(6, 24) }],
};
const report: Report = {
  ...measured,
  at: '2026-01-02T03:04:05.000Z',
  commit: 'abc',
  machine: {
    cores: 2,
    cpu: 'CPU',
    memoryGigabytes: 8,
    node: '20',
    client: '1',
    allocator: 'jemalloc',
    servers: ['Kafka'],
    loadBefore: 0,
    loadAfter: 2,
  },
};

test('ratios are best round against best round, and what was not measured has none', () => {
  expect(ratiosOf(measured)).toEqual({
    '0.5 % bad: service ÷ limit': 0.8,
    '0.5 % bad: CPU of the limit ÷ of the service': 0.5,
    '5 % bad: service ÷ limit': 0.3,
    '5 % bad: CPU of the limit ÷ of the service': 0.2,
    'all bad: service ÷ COPY': 0.2,
  });
  expect(ratiosOf(nothing)).toEqual({});
});

test('each bar is met, missed, or says that it was not measured', () => {
  const bars = barsOf(measured);
  expect(bars.filter(({ met }) => met === false).map(({ what, bar, found }) => [what, bar, found])).toEqual([
    ['throughput ÷ C pass-through, 5 % bad', '≥ 0.40', '0.30'],
    ['processor time a message, 5 % bad', '≤ 4.0 µs', '5.0 µs'],
    ['all bad ÷ COPY into the indexed table', '≥ 0.25', '0.20'],
  ]);
  expect(bars.find(({ what }) => what.startsWith('p99'))).toMatchObject({ bar: '≤ 25.0 ms', found: '24.0 ms', met: true });
  expect(bars.filter(({ met }) => met === null).map(({ what }) => what)).toEqual([
    'throughput with the spool ÷ without, least',
    'native validation: × the speed of parse + ajv',
  ]);
  expect(barsOf(nothing).every(({ met, found }) => met === null && found === '–')).toBe(true);
  expect(barTable(measured)).toContain('| throughput with the spool ÷ without, least | ≥ 0.97 | – | has its own part: `safety` |');
});

test('the table of throughput names what the service reaches of each yardstick', () => {
  const rows = throughputTable(measured).split('\n').slice(2);
  expect(rows[0]).toBe('| 0.5 % | librdkafka in C, nothing but pass-through: the limit | 500 | 450 | 1.0 | 200 | 0.80 | 0.78 |');
  expect(rows.find((row) => row.includes('official client'))).toContain('| 1.50 |');
  expect(rows.at(-1)).toBe('| 100 % | **DataQuarantine**: payload, row, dead letter, commit | 20,000 | 20,000 | 2.0 | 200 |  |  |');
});

test('the report says by which commit, machine and way it was made, and leaves out what was not measured', () => {
  expect(toMarkdown(report)).toContain(
    'Commit abc, 2026-01-02; native lane, native engine. 2 cores of CPU, Node 20, the service on jemalloc, load',
  );
  expect(toMarkdown({ ...report, latencies: [] })).not.toContain('p99 ms');
});

test('a block of a page is replaced between its markers and nowhere else', () => {
  const page = 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n';
  expect(replaceBlock(page, 'bench', 'new')).toBe('before\n<!-- bench -->\nnew\n<!-- /bench -->\nafter\n');
  expect(replaceBlock(replaceBlock(page, 'bench', 'new'), 'bench', 'old')).toBe(page);
  expect(() => replaceBlock(page, 'sweeps', 'new')).toThrow('<!-- sweeps -->');
});

test('the median of an even number of values lies between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
