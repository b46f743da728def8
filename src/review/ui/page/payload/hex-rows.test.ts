import { expect, test } from 'vitest';
import { firstInvalidUtf8, hexRows } from './hex-rows.ts';

test('bytes stand in rows of 16 with what can be printed of them', () => {
  const rows = hexRows(
    Uint8Array.from({ length: 20 }, (_, at) => 0x3c + at),
    0,
    4,
    { from: 17, to: 18 },
  );
  expect(rows.map(({ offset, cells }) => [offset, cells.map(({ character }) => character).join('')])).toEqual([
    ['00000000', '<=>?@ABCDEFGHIJK'],
    ['00000010', 'LMNO'],
  ]);
  expect(rows[1]?.cells.map(({ wrong }) => wrong)).toEqual([false, true, false, false]);
});

test('the first byte that is not UTF-8 is found', () => {
  const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  expect(firstInvalidUtf8(bytes('plain'))).toBeNull();
  expect(firstInvalidUtf8(bytes('ab\xffcd'))).toBe(2);
  expect(firstInvalidUtf8(bytes(`\xc3\xa9${'x'.repeat(1_000)}\xc3(`))).toBe(1_003);
});
