import { expect, test } from 'vitest';
import { compare } from './compare.ts';
import { eventBytes, eventOf, sentMsOf, stampedEvent } from './events.ts';
import { median, type Ratios } from './report.ts';

const ratios = (engineToHop: readonly number[]): Ratios => ({
  engineToHop,
  engineToHopReports: [],
  floodToPlainCopy: [],
  floodToIndexedCopy: [],
});

test('a ratio is lost past 40 % of the best of the baseline, and what was not measured is not compared', () => {
  const baseline = ratios([0.5, 0.6]);
  expect(compare(baseline, ratios([0.2, 0.37]))).toEqual([{ name: 'engineToHop', baseline: 0.6, now: 0.37, lost: false }]);
  expect(compare(baseline, ratios([0.35]))).toMatchObject([{ lost: true }]);
  expect(compare(baseline, ratios([]))).toEqual([]);
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
