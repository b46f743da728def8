import { expect, test } from 'vitest';
import { textOf, visible } from './visible.ts';

test('a right-to-left override and a zero byte are written out', () => {
  expect(visible('user\u202etxt\u0000')).toBe('user⟨U+202E⟩txt⟨U+0000⟩');
});

test('line ends, tabs and letters of any script stay', () => {
  expect(visible('a\tb\nשלום')).toBe('a\tb\nשלום');
});

test('bytes that are not UTF-8 are no text, and a byte order mark is kept', () => {
  expect(textOf(Uint8Array.of(0x22, 0xff, 0x22))).toBeNull();
  expect(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toBe('\ufeff1');
});
