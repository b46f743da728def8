import { expect, test } from 'vitest';
import { withField } from './with-field.ts';

const schema = {
  required: ['id'],
  properties: { id: { type: 'string', maxLength: 9 }, lines: { items: { properties: { sku: { type: 'string' } } } }, free: {} },
};

test('a field that is not planned is put where it belongs, and the schema itself stays as it is', () => {
  const before = structuredClone(schema);
  expect(withField(schema, '/note', ['string'])).toEqual({ ...schema, properties: { ...schema.properties, note: { type: 'string' } } });
  expect(withField(schema, '/lines/*/count', ['integer', 'null'])).toMatchObject({
    properties: { lines: { items: { properties: { sku: { type: 'string' }, count: { type: ['integer', 'null'] } } } } },
  });
  expect(schema).toEqual(before);
});

test('a field that is planned with another type takes both, and keeps what else is said of it', () => {
  expect(withField(schema, '/id', ['integer'])).toMatchObject({ properties: { id: { type: ['string', 'integer'], maxLength: 9 } } });
});

test('a place that the schema does not spell out is left to people', () => {
  for (const pointer of ['/free', '/free/inner', '/lines/*', '/none/at/all', '']) expect(withField(schema, pointer, ['string'])).toBeNull();
  expect(withField(true, '/id', ['string'])).toBeNull();
  expect(withField(schema, '/note', [])).toBeNull();
});

test('names are members whatever they are', () => {
  const named = withField({ properties: {} }, '/__proto__', ['string']) as { properties: object };
  expect(Object.keys(named.properties)).toEqual(['__proto__']);
  expect(withField({ properties: {} }, '/a~1b~0c', ['string'])).toEqual({ properties: { 'a/b~c': { type: 'string' } } });
});
