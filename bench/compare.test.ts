import { expect, test } from 'vitest';
import { type Compared, compare } from './compare.ts';
import { eventBytes, eventOf, sentMsOf, stampedEvent } from './events.ts';
import { median } from './report.ts';
import type { Run } from './throughput.ts';

const run = (messagesPerSecond: number): Run => ({
  messages: 1,
  seconds: 1,
  messagesPerSecond,
  cpuMicrosPerMessage: null,
  residentBytesPeak: null,
  residentBytesMean: null,
});
const report = (engine: readonly number[], hop: readonly number[]): Compared => ({
  engine: engine.map(run),
  hop: hop.map(run),
  hopReports: [],
  floods: [],
});

test('a ratio is lost past 40 % of the baseline, best round against best round, and what was not measured is not compared', () => {
  const baseline = report([50, 60], [100, 80]);
  expect(compare(baseline, report([20, 37], [50, 100]))).toEqual([{ name: 'engine ÷ hop', baseline: 0.6, now: 0.37, lost: false }]);
  expect(compare(baseline, report([35], [100]))).toMatchObject([{ lost: true }]);
  expect(compare(baseline, report([], [100]))).toEqual([]);
});

test('the median of an even number of values lies between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test('every event has the same size, and as many are bad as were asked for', () => {
  const events = Array.from({ length: 2_000 }, (_, number) => eventOf(number, 0.05));
  expect(new Set(events.map(({ value }) => value.length))).toEqual(new Set([eventBytes]));
  const good = events.filter(({ value }, number) => value.equals(eventOf(number, 0).value));
  expect(good.length).toBe(1_900);
});

test('an event tells when it was sent', () => {
  expect(sentMsOf(stampedEvent(7, 1_234.567).value)).toBe(1_234.567);
});
