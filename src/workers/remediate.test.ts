import { expect, test } from 'vitest';
import type { RemediationRule } from '../registry/remediation.ts';
import { remediate } from './remediate.ts';

type Unnamed<Rule> = Rule extends unknown ? Omit<Rule, 'name'> : never;
const closed = { properties: { a: {}, b: { items: { properties: { c: {} } } } } };
const mended = (rule: Unnamed<RemediationRule>, text: string, schema: unknown = closed) =>
  remediate(text, { version: 3, rules: [{ name: 'fix', ...rule }] }, schema)?.text ?? null;

test.each<[Unnamed<RemediationRule>, string, string | null]>([
  [{ do: 'default', field: '/a', value: { x: 1 } }, '{ "b" : 1e2 }', '{ "b" : 1e2,"a":{"x":1} }'],
  [{ do: 'default', field: '/a', value: 0 }, '{"a":null}', null],
  [{ do: 'default', field: '/b/*/c', value: 0 }, '{"b":[{},{"c":1},7]}', '{"b":[{"c":0},{"c":1},7]}'],
  [{ do: 'cast', field: '/a', to: 'integer' }, '{"a":"9007199254740993","b":1.0}', '{"a":9007199254740993,"b":1.0}'],
  [{ do: 'cast', field: '/a', to: 'integer' }, '{"a":"1.0"}', null],
  [{ do: 'cast', field: '/a', to: 'integer' }, '{"a":"007"}', null],
  [{ do: 'cast', field: '/a', to: 'number' }, '{"a":"1.50e3"}', '{"a":1.50e3}'],
  [{ do: 'cast', field: '/a', to: 'number' }, '{"a":"1e999"}', null],
  [{ do: 'cast', field: '/a', to: 'boolean' }, '{"a":"true"}', '{"a":true}'],
  [{ do: 'cast', field: '/a', to: 'boolean' }, '{"a":"yes"}', null],
  [{ do: 'cast', field: '/a', to: 'date-time' }, '{"a":"2024-01-31 12:00:00.5+0130"}', '{"a":"2024-01-31T12:00:00.5+01:30"}'],
  [{ do: 'cast', field: '/a', to: 'date-time' }, '{"a":"2024-01-31 12:00:00"}', null],
  [{ do: 'trim', field: '/a' }, '{"a":" x\\u00e4 "}', '{"a":"xä"}'],
  [{ do: 'trim', field: '/a' }, '{"a":7}', null],
  [{ do: 'case', field: '/a', to: 'lower' }, '{"a":"VIEW"}', '{"a":"view"}'],
  [{ do: 'map', field: '/a', values: { Y: true } }, '{"a":"Y"}', '{"a":true}'],
  [{ do: 'map', field: '/a', values: { Y: true } }, '{"a":"constructor"}', null],
  [{ do: 'rename', field: '/x', to: 'a' }, '{"x" : 1, "b":2}', '{"a" : 1, "b":2}'],
  [{ do: 'rename', field: '/x', to: 'a' }, '{"x":1,"a":2}', null],
  [{ do: 'drop_unplanned', field: '' }, '{"x":1, "y":2, "a":3,"z":4,"b":5 ,"w":[6] }', '{"a":3,"b":5 }'],
  [{ do: 'drop_unplanned', field: '' }, '{"x":1, "y":2 }', '{ }'],
  [{ do: 'drop_unplanned', field: '/b/*' }, '{"b":[{"c":1,"x":2},{"x":1}],"x":1}', '{"b":[{"c":1},{}],"x":1}'],
  [
    {
      do: 'patch',
      patch: [
        { op: 'test', path: '/a', value: 'n/a' },
        { op: 'remove', path: '/a' },
      ],
    },
    '{"a":"n/a","b":1}',
    '{"b":1}',
  ],
])('%j makes of %s %s', (rule, before, after) => {
  expect(mended(rule, before)).toBe(after);
  if (after !== null) expect(mended(rule, after)).toBeNull();
});

test('members that a schema takes by pattern or as a map are planned', () => {
  const rule = { do: 'drop_unplanned', field: '' } as const;
  expect(mended(rule, '{"x":1}', { properties: { a: {} }, patternProperties: { '^x': {} } })).toBeNull();
  expect(mended(rule, '{"x":1}', { properties: { a: {} }, additionalProperties: { type: 'number' } })).toBeNull();
  expect(mended(rule, '{"x":1}', {})).toBeNull();
  const base = { $id: 'https://example.com/base', properties: { x: {} } };
  expect(mended(rule, '{"x":1}', { properties: { a: {} }, allOf: [{ $ref: 'https://example.com/base' }], $defs: { base } })).toBeNull();
});

test('rules follow one another, and those that changed something are named with their version', () => {
  const rules: RemediationRule[] = [
    { name: 'trim', do: 'trim', field: '/a' },
    { name: 'nothing', do: 'trim', field: '/none' },
    { name: 'cast', do: 'cast', field: '/a', to: 'integer' },
  ];
  expect(remediate('{"a":" 7 "}', { version: 2, rules }, {})).toEqual({ text: '{"a":7}', rules: ['trim@2', 'cast@2'] });
});
