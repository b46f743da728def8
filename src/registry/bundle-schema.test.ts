import { expect, test } from 'vitest';
import type { RegisteredVersion } from '../model/registered-schema.ts';
import { bundleSchema } from './bundle-schema.ts';
import { compileInMemory } from './compiler.ts';

const draft07 = 'http://json-schema.org/draft-07/schema';
const draft2020 = 'https://json-schema.org/draft/2020-12/schema';

/** Judges values by a schema whose reference `part.json` leads to `part`. */
async function judgeOf(schema: object, part: unknown): Promise<(value: unknown) => boolean> {
  const version = async (subject: string): Promise<RegisteredVersion> =>
    Promise.resolve({ type: 'JSON', text: JSON.stringify(part), references: [], id: 1, subject, version: 1 });
  const references = [{ name: 'part.json', subject: 'part', version: 1 }];
  return compileInMemory(await bundleSchema({ type: 'JSON', text: JSON.stringify(schema), references }, { version }));
}

const whole = { properties: { p: { $ref: 'part.json' } } };

test.each([
  [undefined, draft07],
  [undefined, `${draft07}#`],
  [`${draft07}#`, draft07],
  [draft07, undefined],
  [draft2020, `${draft2020}#`],
  [draft2020, undefined],
])('a schema of %s may refer to one of %s', async ($schema, other) => {
  const judge = await judgeOf({ $schema, ...whole }, { $schema: other, type: 'string' });
  expect([judge({ p: 's' }), judge({ p: 1 })]).toEqual([true, false]);
});

test.each([
  [undefined, draft2020],
  [draft2020, draft07],
])('a schema of %s may not refer to one of %s', async ($schema, other) => {
  await expect(judgeOf({ $schema, ...whole }, { $schema: other })).rejects.toThrow('"part.json" leads to a schema of another draft');
});

test('in draft-07 a referred schema may be a reference itself, beside which nothing counts', async () => {
  const judge = await judgeOf(whole, { $ref: '#/definitions/name', definitions: { name: { type: 'string' } }, maxLength: 1 });
  expect([judge({ p: 'long' }), judge({ p: 1 })]).toEqual([true, false]);
});

test('since 2019-09 what stands beside the reference of a referred schema counts', async () => {
  const part = { $ref: '#/$defs/name', $defs: { name: { type: 'string' } }, maxLength: 1 };
  const judge = await judgeOf({ $schema: draft2020, ...whole }, part);
  expect([judge({ p: 's' }), judge({ p: 'long' }), judge({ p: 1 })]).toEqual([true, false, false]);
});

test('what stands beside that reference and does not judge may be where it leads to', async () => {
  const name = { type: 'string', not: { $ref: '#/types/forbidden' } };
  const part = { $ref: '#/types/name', types: { name, forbidden: { const: 'x' } }, maxLength: 1 };
  const judge = await judgeOf(whole, part);
  expect([judge({ p: 'long' }), judge({ p: 'x' }), judge({ p: 1 })]).toEqual([true, false, false]);
});

test('where it leads to what judges, which counts for nothing there, that is the reason why it is refused', async () => {
  const reason = '"part.json" leads to a schema that is a $ref itself, and "#/properties/q" leads to what stands beside that';
  const properties = { q: { type: 'string' } };
  await expect(judgeOf(whole, { $ref: '#/properties/q', properties })).rejects.toThrow(reason);
  const deeper = { $ref: '#/definitions/name', definitions: { name: { items: { $ref: '#/properties/q' } } }, properties };
  await expect(judgeOf(whole, deeper)).rejects.toThrow(reason);
  const text = { $ref: '#/definitions/text', definitions: { text: { type: 'string' } }, properties };
  await expect(judgeOf({ properties: { p: { $ref: 'part.json#/properties/q' } } }, text)).rejects.toThrow(
    '"part.json" leads to a schema that is a $ref itself, and "part.json#/properties/q" leads to what stands beside that',
  );
});

test('a reference that counts for nothing itself may lead there', async () => {
  const q = { type: 'string' };
  const lost = { r: { $ref: '#/properties/q' } };
  const beside = { $ref: '#/definitions/name', definitions: { name: { type: 'string' } }, properties: { q, ...lost } };
  const nested = { $ref: '#/definitions/text', properties: lost };
  const deeper = { $ref: '#/definitions/name', definitions: { name: nested, text: { type: 'string' } }, properties: { q } };
  for (const part of [beside, deeper]) {
    const judge = await judgeOf(whole, part);
    expect([judge({ p: 's' }), judge({ p: {} })]).toEqual([true, false]);
  }
});

test('a referred schema may be true or false, and nothing else that is no object', async () => {
  for (const part of [true, false]) {
    const judge = await judgeOf({ $schema: draft2020, ...whole }, part);
    expect([judge({ p: 1 }), judge({})]).toEqual([part, true]);
  }
  for (const part of [[], null, 'string', 1]) await expect(judgeOf(whole, part)).rejects.toThrow('"part.json" leads to what is no schema');
});

test('a draft that is not known is the reason, whoever names it', async () => {
  const draft04 = 'http://json-schema.org/draft-04/schema#';
  for (const other of [draft04, draft07, undefined])
    await expect(judgeOf({ $schema: draft04, ...whole }, { $schema: other })).rejects.toThrow('the draft is not known: use draft-07');
  await expect(judgeOf(whole, { $schema: draft04 })).rejects.toThrow('"part.json" leads to a schema of a draft that is not known');
});
