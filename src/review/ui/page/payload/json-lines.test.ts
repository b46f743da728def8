import { describe, expect, test } from 'vitest';
import { linesOf, plainLines } from './json-lines.ts';
import { nodeAt, parseJsonTree } from './json-tree.ts';

describe('a JSON text in lines', () => {
  const text = '{"id":1e2,"name":"\\u0041","tags":[],"in":{"x":-0}}';
  const tree = parseJsonTree(text);

  test('differs from the stored text by white space alone', () => {
    const lines = linesOf(text, tree, null);
    expect(lines.map(({ depth, pieces }) => `${'  '.repeat(depth)}${pieces.map((piece) => piece.text).join('')}`)).toEqual([
      '{',
      '  "id": 1e2,',
      '  "name": "\\u0041",',
      '  "tags": [],',
      '  "in": {',
      '    "x": -0',
      '  }',
      '}',
    ]);
  });

  test('marks the line of what is wrong', () => {
    const lines = linesOf(text, tree, nodeAt(tree, '/in/x'));
    expect(lines.flatMap(({ wrong }, at) => (wrong ? [at] : []))).toEqual([5]);
  });
});

test('a text that is not JSON stays as it is, with the place marked', () => {
  const lines = plainLines('{"a":1,\n"b"?2}', 11);
  expect(lines.map(({ wrong }) => wrong)).toEqual([false, true]);
  expect(lines[1]?.pieces.map((piece) => piece.text)).toEqual(['"b"', '?', '2}']);
});
