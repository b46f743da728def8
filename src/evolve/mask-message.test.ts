import { expect, test } from 'vitest';
import { maskMessage } from './mask-message.ts';

const schema = { properties: { id: {}, list: { items: { properties: { sku: {} } } } } };
const masked = (value: unknown) => JSON.parse(maskMessage(Buffer.from(JSON.stringify(value)), schema)) as unknown;

test('a masked message keeps its shape and the names of its schema, and no value', () => {
  expect(masked({ id: 'SECRET', n: 7, list: [{ sku: true, mail: 'SECRET' }, null] })).toEqual({
    id: '<string>',
    '<other 1>': '<number>',
    list: [{ sku: '<boolean>', '<other 1>': '<string>' }, null],
  });
});

test('large messages are cut, and what is no JSON has no shape', () => {
  expect(masked({ list: Array(9).fill(1) })).toEqual({ list: ['<number>', '<number>', '<number>', '<6 more>'] });
  expect(masked({ id: { a: { b: { c: { d: { e: {} } } } } } })).toMatchObject({ id: { '<other 1>': {} } });
  expect(JSON.stringify(masked({ id: Array(3).fill(Array(3).fill(Array(3).fill(Array(3).fill(Array(3).fill(1))))) })).length).toBeLessThan(
    5_000,
  );
  expect(maskMessage(Buffer.from('{'), schema)).toBe('null');
});
