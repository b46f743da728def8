import { expect, test } from 'vitest';
import { ReportLine } from './report-line.ts';

test('tags leave in the order they came, through any number of growths and wraps', () => {
  const line = new ReportLine();
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 50; round++) {
    for (let count = 0; count < 100 + round; count++, next++) line.push(next, next % 7);
    for (let count = 0; count < 90; count++, expected++) expect(line.shift(expected % 7)).toBe(expected);
  }
  expect(line.count).toBe(next - expected);
});

test('a report that cannot be the next in line ends the process', () => {
  const line = new ReportLine();
  line.push(1, 300);
  expect(() => line.shift(301)).toThrow('out of order');
  expect(() => new ReportLine().shift(0)).toThrow('was not sent');
});
