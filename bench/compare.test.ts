import { expect, test } from 'vitest';
import { compare, comparisonTable, isLost } from './compare.ts';

const said = (before: number, now: number) => compare({ throughput: before }, { throughput: now })[0]?.said;

test('a ratio is ok to a loss of 15 %, a warning to one of 40 %, and lost past that', () => {
  expect(said(1, 1.5)).toBe('ok');
  expect(said(1, 0.86)).toBe('ok');
  expect(said(1, 0.84)).toBe('WARNING');
  expect(said(0.5, 0.31)).toBe('WARNING');
  expect(said(0.5, 0.29)).toBe('LOST');
});

test('a warning is no failure, a lost ratio is, and one that was not measured any more is too', () => {
  expect(isLost(compare({ a: 1, b: 1 }, { a: 0.7, b: 2 }))).toBe(false);
  expect(isLost(compare({ a: 1, b: 1 }, { a: 0.5, b: 2 }))).toBe(true);
  expect(isLost(compare({ a: 1 }, {}))).toBe(true);
});

test('a ratio that the baseline does not know is new and cannot fail', () => {
  const comparisons = compare({}, { native: 5 });
  expect(comparisons).toEqual([{ name: 'native', before: null, now: 5, said: 'new' }]);
  expect(isLost(comparisons)).toBe(false);
});

test('the comparison prints both values and the change', () => {
  expect(
    comparisonTable(compare({ a: 0.8, b: 1 }, { a: 0.6, c: 2 }))
      .split('\n')
      .slice(2),
  ).toEqual(['| a | 0.800 | 0.600 | −25 % | WARNING |', '| b | 1.000 | – |  | gone |', '| c | – | 2.000 |  | new |']);
});
