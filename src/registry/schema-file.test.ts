import { describe, expect, test } from 'vitest';
import { hasCode } from '../lib/errors.ts';
import { parseSchemaFile } from './schema-file.ts';

const whole = `name: order
version: 1.0.0
description: An order.
owner: orders
key: /order_id
rules: []
remediation: {}
schema:
  type: object
  properties:
    a/b: { type: string }
`;

function refusal(text: string): string {
  try {
    parseSchemaFile(text, 'order.yaml');
  } catch (error) {
    if (hasCode(error, 'DQ_SCHEMA_FILE_INVALID')) return error.message;
    throw error;
  }
  throw new Error('the file is good');
}

describe('a schema file', () => {
  test('gives name, version, schema and key', () => {
    const { placeOf: _, ...file } = parseSchemaFile(whole, 'order.yaml');
    const schema = { type: 'object', properties: { 'a/b': { type: 'string' } } };
    expect(file).toEqual({
      name: 'order',
      version: '1.0.0',
      schema,
      owner: expect.any(String),
      description: expect.any(String),
      key: '/order_id',
      rules: [],
      remediation: { version: 1, enabled: false, keepOriginal: false, rules: [] },
    });
  });

  test('knows where a place of its schema stands, or what is around it', () => {
    const { placeOf } = parseSchemaFile(whole, 'order.yaml');
    expect(placeOf('/properties/a~1b/type')).toBe('order.yaml:11:18');
    expect(placeOf('/properties/none')).toBe('order.yaml:11:5');
    expect(placeOf(null)).toBe('order.yaml:9:3');
  });

  test('may be JSON', () => {
    expect(parseSchemaFile('{"name":"a","version":"1.0.0","schema":true}', 'a.json')).toMatchObject({ name: 'a', schema: true, key: null });
  });

  test.each([
    [
      'unknown keys, with the nearest known one',
      whole.replace('owner', 'onwer'),
      'order.yaml:4:1: unknown key "onwer"; did you mean "owner"?',
    ],
    ['unknown keys that resemble nothing', `${whole}zzzzzz: 1\n`, 'order.yaml:12:1: unknown key "zzzzzz"'],
    [
      'a missing key',
      'name: a\nversion: 1.0.0\n',
      'order.yaml:1:1: the key "schema" is missing: expected a JSON Schema: an object or a boolean',
    ],
    ['a version that is a number', whole.replace('1.0.0', '1.0'), 'order.yaml:2:10: "version": expected a semantic version such as 1.0.0'],
    [
      'a version with a letter before it',
      whole.replace('1.0.0', 'v1.0.0'),
      'order.yaml:2:10: "version": expected a semantic version such as 1.0.0',
    ],
    [
      'a key that is no pointer',
      whole.replace('/order_id', 'order_id'),
      'order.yaml:5:6: "key": expected a JSON Pointer such as /sensor_id',
    ],
    [
      'a list in place of a schema',
      'name: a\nversion: 1.0.0\nschema: []\n',
      'order.yaml:3:9: "schema": expected a JSON Schema: an object or a boolean',
    ],
    ['an empty file', '', 'order.yaml: expected a mapping with name, version and schema'],
    ['a list', '- a\n', 'order.yaml:1:1: expected a mapping with name, version and schema'],
  ])('refuses %s', (_, text, message) => {
    expect(refusal(text)).toBe(message);
  });

  test.each([
    ['a name that climbs', whole.replace('name: order', 'name: ../order'), 'order.yaml:1:7: "name"'],
    ['broken YAML', 'name: a\nversion: [1\n', 'order.yaml:3:1: '],
    ['a repeated key', `${whole}name: other\n`, 'order.yaml:12:1: '],
    ['a bomb of aliases', bomb(), 'order.yaml: '],
  ])('refuses %s and names the place', (_, text, start) => {
    expect(refusal(text).slice(0, start.length)).toBe(start);
  });
});

function bomb(): string {
  const lines = ['name: a', 'version: 1.0.0', 'rules:', '  a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level += 1)
    lines.push(
      `  a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  return `${lines.join('\n')}\nschema: true\n`;
}
