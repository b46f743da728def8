import { expect, test } from 'vitest';
import { csvLine } from './csv-line.ts';

test('texts are quoted, numbers stand as they are, nothing is an empty cell', () => {
  expect(csvLine(['a', 7, null, 'say "no", twice\r\n'])).toBe('"a",7,,"say ""no"", twice\r\n"\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\0=1', '＝1'])('%j does not become a formula', (text) => {
  expect(csvLine([text])).toBe(`"'${text}"\r\n`);
});
