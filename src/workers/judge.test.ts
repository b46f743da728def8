import { describe, expect, test } from 'vitest';
import type { Fault } from '../model/verdict.ts';
import { compileInMemory } from '../registry/compiler.ts';
import { judgeDocument, judgeValue } from './judge.ts';
import { defaultLimits } from './read-json.ts';

const identity = { name: 'thing', version: '1.0.0' };
const judge = (schema: object | boolean, value: unknown): Fault | null =>
  judgeDocument(Buffer.from(JSON.stringify(value)), compileInMemory(schema), identity, defaultLimits);
const faultOf = (schema: object | boolean, value: unknown): Fault => {
  const fault = judge(schema, value);
  if (fault === null) throw new Error('the value is valid');
  return fault;
};

describe('a violation says where and what, in words', () => {
  const draft2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema' };
  const item = { properties: { sku: { type: 'string' } }, required: ['sku'], additionalProperties: false };
  const nested = { properties: { items: { type: 'array', items: item } } };
  test.each<[string, object | boolean, unknown, string, string, string]>([
    ['type', { type: 'string' }, 5, '', '', 'expected a string, found a number'],
    ['type', { type: ['integer', 'null'] }, 1.5, '', '', 'expected an integer or null, found a number that is not whole'],
    ['type', nested, { items: [{ sku: 'a' }, { sku: [] }] }, 'items[1].sku', '/items/1/sku', 'expected a string, found an array'],
    ['required', nested, { items: [{}] }, 'items[0].sku', '/items/0/sku', 'expected the member "sku" to be present'],
    [
      'additionalProperties',
      nested,
      { items: [{ sku: '', geheim: 1 }] },
      'items[0].geheim',
      '/items/0/geheim',
      'expected no members beyond those that the schema declares',
    ],
    ['minimum', { minimum: 0 }, -7, '', '', 'expected a number of at least 0'],
    ['exclusiveMaximum', { exclusiveMaximum: 3 }, 3, '', '', 'expected a number less than 3'],
    ['multipleOf', { multipleOf: 2 }, 3, '', '', 'expected a multiple of 2'],
    ['minLength', { minLength: 1 }, '', '', '', 'expected a string of at least 1 character'],
    ['maxLength', { maxLength: 2 }, 'geheim', '', '', 'expected a string of at most 2 characters'],
    ['pattern', { pattern: '^a' }, 'geheim', '', '', 'expected a string that matches ^a'],
    ['format', { format: 'date-time' }, 'geheim', '', '', 'expected a string in the format date-time'],
    ['enum', { enum: ['a', 1] }, 'geheim', '', '', 'expected one of "a", 1, found another value (a string)'],
    ['const', { const: null }, 'geheim', '', '', 'expected null, found another value (a string)'],
    ['minItems', { minItems: 2 }, [1], '', '', 'expected an array of at least 2 items'],
    ['uniqueItems', { uniqueItems: true }, [1, 1], '', '', 'expected an array without repeated items'],
    ['additionalItems', { items: [true], additionalItems: false }, [1, 2], '', '', 'expected at most 1 item'],
    ['items', { ...draft2020, prefixItems: [true], items: false }, [1, 2], '', '', 'expected at most 1 item'],
    ['maxProperties', { maxProperties: 0 }, { geheim: 1 }, '', '', 'expected an object of at most 0 members'],
    [
      'propertyNames',
      { propertyNames: { maxLength: 2 } },
      { geheim: 1 },
      'geheim',
      '/geheim',
      'expected a member name that the schema allows',
    ],
    [
      'dependentRequired',
      { ...draft2020, dependentRequired: { a: ['b'] } },
      { a: 1 },
      'b',
      '/b',
      'expected the member "b" to be present together with "a"',
    ],
    [
      'unevaluatedProperties',
      { ...draft2020, unevaluatedProperties: false },
      { geheim: 1 },
      'geheim',
      '/geheim',
      'expected no members beyond those that the schema declares',
    ],
    ['false schema', false, 1, '', '', 'expected nothing here'],
    ['anyOf', { anyOf: [{ type: 'null' }, { type: 'string' }] }, 1, '', '', 'expected null or a string, found a number'],
    [
      'oneOf',
      { oneOf: [true, true] },
      1,
      '',
      '',
      'expected a value that fits exactly one of the alternatives, found a number that fits more than one',
    ],
    ['not', { not: {} }, 1, '', '', 'expected a value other than those that "not" describes'],
    ['contains', { contains: { const: 1 } }, [2], '', '', 'expected an array with at least 1 of the items that "contains" describes'],
    ['required', { if: true, then: { required: ['a'] } }, {}, 'a', '/a', 'expected the member "a" to be present'],
    ['type', { properties: { 'a/b~c': { type: 'null' } } }, { 'a/b~c': 1 }, 'a/b~c', '/a~1b~0c', 'expected null, found a number'],
  ])('%s', (keyword, schema, value, field_path, instance_path, error_message) => {
    const fault = faultOf(schema, value);
    expect(fault).toMatchObject({ outcome: 'invalid', error_type: 'schema_violation', keyword, field_path, instance_path, error_message });
    expect(fault).toMatchObject({ engine: 'js', schema_name: 'thing', schema_version: '1.0.0' });
    expect(error_message).not.toContain('geheim');
  });

  test('a long list of allowed values is cut', () => {
    const values = Array.from({ length: 1_000 }, (_, n) => `value ${n}`);
    expect(faultOf({ enum: values }, 1).error_message.length).toBeLessThan(300);
  });
});

describe('a path', () => {
  test('has neither NUL nor half a surrogate pair, which a database would refuse', () => {
    const { field_path, instance_path } = faultOf({ additionalProperties: false }, { 'a\0b\ud800': 1 });
    expect([field_path, instance_path]).toEqual(['a\ufffdb\ufffd', '/a\ufffdb\ufffd']);
  });

  test('is cut where a hostile name would make it megabytes', () => {
    const { field_path, instance_path } = faultOf({ additionalProperties: false }, { ['x'.repeat(1_000_000)]: 1 });
    expect(field_path).toHaveLength(1_024);
    expect(instance_path).toHaveLength(1_024);
  });
});

describe('a fingerprint', () => {
  const schema = { properties: { items: { items: { properties: { n: { type: 'number' } } } }, other: { type: 'number' } } };
  const at = (value: unknown) => faultOf(schema, value).fingerprint;
  const first = at({ items: [{ n: 'x' }] });

  test('is v1: and 32 hex digits', () => {
    expect(first).toMatch(/^v1:[0-9a-f]{32}$/);
  });

  test('is the same for the same mistake in another item with another value', () => {
    expect(at({ items: [{ n: 1 }, { n: 2 }, { n: 'another' }] })).toBe(first);
  });

  test('differs by field and by the kind of value found', () => {
    expect(at({ other: 'x' })).not.toBe(first);
    expect(at({ items: [{ n: null }] })).not.toBe(first);
  });

  test('is the same for any member name that the schema does not plan', () => {
    const closed = { properties: { a: {} }, additionalProperties: false };
    expect(faultOf(closed, { made_up: 1 }).fingerprint).toBe(faultOf(closed, { another: 1 }).fingerprint);
    expect(faultOf(closed, { made_up: 1 }).field_path).toBe('made_up');
  });

  test('does not take a member called 3 for an index', () => {
    const byName = { additionalProperties: { type: 'number' } };
    expect(faultOf(byName, { 3: 'x' }).fingerprint).not.toBe(faultOf(byName, { 4: 'x' }).fingerprint);
  });
});

describe('a validator that breaks down', () => {
  test('by running out of stack makes the message too deep', () => {
    const endless = compileInMemory({ properties: { a: { $ref: '#' } } });
    let value: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) value = { a: value };
    expect(judgeValue(value, endless, identity)).toMatchObject({ outcome: 'invalid', error_type: 'too_deep', schema_name: 'thing' });
  });

  test('in any other way makes an error without the words of the exception', () => {
    const broken = () => {
      throw new TypeError('geheim');
    };
    const fault = judgeValue({}, broken, identity);
    expect(fault).toMatchObject({ outcome: 'error', error_type: 'validator_error', schema_name: 'thing' });
    expect(JSON.stringify(fault)).not.toContain('geheim');
  });
});
