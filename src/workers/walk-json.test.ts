import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { walked, walkJson } from './walk-json.ts';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** JSON texts with a few characters taken out, put in or changed: mostly broken, sometimes whole. */
const damagedJson = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', '"', '\\', ',', ':', '{', ']', '0', '-', '.', 'e', ' ', '\n', '\0', 'u', '\\u00', 'true', '\ufeff'),
    fc.nat(2),
  )
  .map(([text, at, put, taken]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + taken));

describe('walkJson', () => {
  test('takes exactly the texts that JSON.parse takes', () => {
    fc.assert(
      fc.property(damagedJson, (text) => {
        expect(walkJson(text, {}) === walked.whole).toBe(parses(text));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['', 0],
    ['{"a":tru}', 5],
    ['[1,]', 3],
    ['{"a":1', 6],
    ['{"a" 1}', 5],
    ['01', 1],
    ['1 2', 2],
    ['"\t"', 1],
    ['"\\x"', 1],
    ['{,}', 1],
    ['[1}', 2],
    ['-', 0],
    ['nul', 0],
    ['{"a":1,}', 7],
  ])('says where %j breaks', (text, at) => {
    expect(walkJson(text, {})).toBe(at);
  });

  test('goes through nesting that a recursive walk would not survive', () => {
    expect(walkJson('['.repeat(200_000) + ']'.repeat(200_000), {})).toBe(walked.whole);
  });

  test('tells of each scalar with its path and place', () => {
    const seen: unknown[] = [];
    const text = ' {"a":[1.50,{"b":"x"}],"":null} ';
    walkJson(text, {
      scalar: (path, start, end) => {
        seen.push([[...path], text.slice(start, end)]);
        return false;
      },
    });
    expect(seen).toEqual([
      [['a', 0], '1.50'],
      [['a', 1, 'b'], '"x"'],
      [[''], 'null'],
    ]);
  });
});
