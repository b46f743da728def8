import { expect, test } from 'vitest';
import { proposeVersion } from './propose-version.ts';
import { parseSchemaFile } from './schema-file.ts';

const file = `name: order
version: 1.4.2
owner: shop
schema:
  type: object
  properties:
    id: { type: string }
    lines: { type: array, items: { type: object } }
    to: { $ref: '#/definitions/place' }
  definitions: { place: { type: object } }
`;

test('the next minor version has the new fields as optional ones, and what has no plain place is named', () => {
  const { text, unplaced } = proposeVersion(file, 'order.yaml', [
    { path: '/lines/*/sku', types: ['string', 'null'] },
    { path: '/gift', types: ['object'] },
    { path: '/gift/wrap', types: ['boolean'] },
    { path: '/sum', types: ['integer', 'number'] },
    { path: '/to/town', types: ['string'] },
  ]);
  const { version, schema } = parseSchemaFile(text, 'proposed.yaml');
  expect(version).toBe('1.5.0');
  expect(schema).toMatchObject({
    properties: {
      lines: { items: { properties: { sku: { type: ['string', 'null'] } } } },
      gift: { type: 'object', properties: { wrap: { type: 'boolean' } } },
      sum: { type: 'number' },
    },
  });
  expect(unplaced).toEqual(['/to/town']);
  expect(text).toContain('owner: shop');
});
