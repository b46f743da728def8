import { expect, test } from 'vitest';
import { causeText, failureText, textOf, visible } from './visible.ts';

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

test('a cause of texts that are no JSON is not called after the way in which its newest one breaks', () => {
  const broken = { error_type: 'malformed_json', error_message: 'expected JSON, but it breaks at byte 341', field_path: null };
  expect([failureText(broken), causeText(broken)]).toEqual([
    'Expected JSON, but it breaks at byte 341',
    'Expected JSON, found something else',
  ]);
  expect(causeText({ error_type: 'schema_violation', error_message: 'expected a number', field_path: 'amount' })).toBe(
    'amount: expected a number',
  );
});
