import { expect, test } from 'vitest';
import { compileInMemory } from '../registry/compiler.ts';
import { findingsIn } from './findings.ts';
import { defaultLimits } from './read-json.ts';

const findings = (schema: object, text: string) => findingsIn(Buffer.from(text), compileInMemory(schema, true), defaultLimits);

test('everything that is wrong is told once, branches of alternatives too', () => {
  const schema = { required: ['a'], properties: { b: { anyOf: [{ type: 'string' }, { type: 'string' }, { minimum: 3 }] } } };
  expect(findings(schema, '{"b":1}').map(({ keyword, field_path }) => [keyword, field_path])).toEqual([
    ['required', 'a'],
    ['type', 'b'],
    ['minimum', 'b'],
    ['anyOf', 'b'],
  ]);
  expect(findings(schema, '{"a":1}')).toEqual([]);
});

test('what is no JSON has one finding, without a schema', () => {
  expect(findings({}, '{"a":1,"a":2}')).toMatchObject([{ error_type: 'duplicate_key', field_path: 'a', keyword: null }]);
});

test('a hundred findings are enough', () => {
  expect(findings({ items: { type: 'null' } }, JSON.stringify(Array.from({ length: 500 }, () => 1)))).toHaveLength(100);
});
