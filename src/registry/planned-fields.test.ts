import { expect, test } from 'vitest';
import { plannedFields, plannedTypes } from './planned-fields.ts';

const schema = {
  type: 'object',
  properties: {
    id: { type: 'number' },
    tags: { type: 'array', items: { type: 'string' } },
    address: { $ref: '#/definitions/address' },
    note: {},
    gone: false,
    labels: { type: 'object', patternProperties: { '^x-': { type: 'string' } } },
  },
  anyOf: [{ properties: { id: { type: 'string' }, phone: { type: 'string' } } }],
  definitions: { address: { type: 'object', properties: { zip: { type: ['string', 'null'] }, inner: { $ref: '#/definitions/address' } } } },
};
const types = (path: string) => {
  const found = plannedTypes(plannedFields(schema) ?? new Map(), path);
  return found ? [...found].sort() : found;
};

test('members, items, branches and references plan fields with their types', () => {
  expect(types('')).toEqual(['object']);
  expect(types('/id')).toEqual(['integer', 'number', 'string']);
  expect(types('/phone')).toEqual(['string']);
  expect(types('/tags/*')).toEqual(['string']);
  expect(types('/address/zip')).toEqual(['null', 'string']);
  expect(types('/address/inner/zip')).toEqual(['null', 'string']);
  expect(types('/note')).toBeNull();
  expect(types('/labels/x-anything')).toEqual(['string']);
});

test('what is not spoken of, or forbidden, is not planned', () => {
  expect([types('/gone'), types('/address/town'), types('/tags/*/deep')]).toEqual([undefined, undefined, undefined]);
});

test('a schema that refers to itself from many places speaks of more fields than are counted', () => {
  const names = Array.from({ length: 10 }, (_, index) => [`f${index}`, { $ref: '#' }]);
  expect(plannedFields({ properties: Object.fromEntries(names) as object })).toBeNull();
});
