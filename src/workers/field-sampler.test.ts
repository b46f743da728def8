import { expect, test } from 'vitest';
import { answer, Slab } from '../model/slab.ts';
import { type FieldCount, FieldSampler } from './field-sampler.ts';

function slabOf(values: readonly unknown[], producer = 'shop'): Slab {
  const slab = Slab.allocate(values.length, 1 << 20);
  for (const value of values) {
    const parts = { offset: 0, timestamp: 0, partition: 0, topic: 0, epoch: 0, key: null };
    slab.append({ ...parts, value: Buffer.from(JSON.stringify(value)), headers: [{ name: 'from', value: Buffer.from(producer) }] });
  }
  slab.answers.fill(answer.valid, 0, slab.count);
  slab.schemas.fill(3, 0, slab.count);
  return slab;
}

const seen = (values: readonly unknown[]): string[] =>
  new FieldSampler()
    .sample(slabOf(values), { from: 0, to: values.length }, ['other', 'from'])
    .map(({ path, type, messages }) => `${path} ${type} ${messages}`);

test('fields are counted once a message by path and type, with items and names that are data as one', () => {
  expect(
    seen([
      { a: 1, b: [1, { c: null }] },
      { a: 1.5, b: [] },
    ]),
  ).toEqual([' object 2', '/a integer 1', '/b array 2', '/b/* integer 1', '/b/* object 1', '/b/*/c null 1', '/a number 1']);
  expect(seen([{ 12: 'x', ['n'.repeat(65)]: 'y', 'a/b~': true }])).toEqual([' object 1', '/* string 1', '/a~1b~0 boolean 1']);
  const map = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`user${index}`, 1]));
  expect(seen([map])).toEqual([' object 1', '/* integer 1']);
});

test('only valid messages are looked at, and they say who sent them', () => {
  const slab = slabOf([{ a: 1 }, { b: 1 }]);
  slab.answers[1] = answer.faulty;
  const fields = new FieldSampler().sample(slab, { from: 0, to: 2 }, ['other', 'from']);
  expect(fields.map(({ schema, producer, path }) => [schema, producer, path])).toEqual([
    [3, 'shop', ''],
    [3, 'shop', '/a'],
  ]);
  expect(new FieldSampler().sample(slab, { from: 0, to: 1 }, ['other'])[0]?.producer).toBe('');
});

const messagesIn = (fields: readonly FieldCount[]) => fields.find(({ path }) => path === '')?.messages ?? 0;

test('a busy thread looks at a few of many, evenly spread', () => {
  let nowMs = 0;
  const sampler = new FieldSampler(() => nowMs);
  const slab = slabOf(Array.from({ length: 4_000 }, (_, index) => ({ [`n${Math.floor(index / 1_000)}`]: 1 })));
  const first = sampler.sample(slab, { from: 0, to: 4_000 }, ['other', 'from']);
  expect(first.map(({ path, messages }) => `${path} ${messages}`)).toEqual([' 200', '/n0 50', '/n1 50', '/n2 50', '/n3 50']);
  expect(sampler.sample(slab, { from: 0, to: 4_000 }, ['other', 'from'])).toEqual([]);
  nowMs = 50;
  expect(messagesIn(sampler.sample(slab, { from: 0, to: 4_000 }, ['other', 'from']))).toBe(10);
});

test('large messages count for more', () => {
  const slab = slabOf(Array.from({ length: 40 }, () => 'x'.repeat(20_480)));
  expect(messagesIn(new FieldSampler(() => 0).sample(slab, { from: 0, to: 40 }, ['other', 'from']))).toBe(20);
});

test('names that are addresses or ids are data', () => {
  expect(seen([{ 'a@b.example': 1, 'f47ac10b-58cc-4372-a567-0e02b2c3d479': 'x' }])).toEqual([' object 1', '/* integer 1', '/* string 1']);
});
