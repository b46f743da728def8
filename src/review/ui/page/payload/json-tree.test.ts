import { describe, expect, test } from 'vitest';
import { JsonTreeError, nodeAt, parseJsonTree } from './json-tree.ts';

describe('the tree of a JSON text', () => {
  test('knows every value by its place, so that no number is read and none is changed', () => {
    const text = '{"id": 12345678901234567890, "price":1.10, "tags":["a", null]}';
    const tree = parseJsonTree(text);
    expect(tree.children.map(({ name, from, to }) => [name, text.slice(from, to)])).toEqual([
      ['id', '12345678901234567890'],
      ['price', '1.10'],
      ['tags', '["a", null]'],
    ]);
    expect(tree.children[2]?.children.map(({ pointer, kind }) => [pointer, kind])).toEqual([
      ['/tags/0', 'string'],
      ['/tags/1', 'word'],
    ]);
  });

  test('keeps both members of one name', () => {
    expect(parseJsonTree('{"a":1,"a":2}').children.map(({ pointer }) => pointer)).toEqual(['/a', '/a']);
  });

  test('says where the text stops being JSON', () => {
    const places = ['{"a":1,}', '[1 2]', '', '{"a":tru}', '"\u0001"'].map((text) => {
      try {
        parseJsonTree(text);
        return null;
      } catch (error) {
        return error instanceof JsonTreeError ? error.at : error;
      }
    });
    expect(places).toEqual([7, 3, 0, 5, 0]);
  });

  test('refuses what is nested too deeply instead of failing by it', () => {
    expect(() => parseJsonTree('['.repeat(100_000))).toThrow(JsonTreeError);
  });
});

describe('the node at a pointer', () => {
  const tree = parseJsonTree('{"a/b":{"c":[1,2]},"d":null}');

  test('is the one that it names, with its escapes', () => {
    expect(nodeAt(tree, '/a~1b/c/1').pointer).toBe('/a~1b/c/1');
  });

  test('is the nearest one around it where the value is missing', () => {
    expect(nodeAt(tree, '/a~1b/x').pointer).toBe('/a~1b');
    expect(nodeAt(tree, '/nowhere').pointer).toBe('');
  });
});
