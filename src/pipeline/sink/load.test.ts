import { expect, test } from 'vitest';
import { answer, Slab } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { Load } from './load.ts';
import { quarantined } from './quarantined.ts';

const fault = { error_type: 'schema_violation' } as Fault;
const identify = (topic: string, partition: number, offset: number) => `${topic}/${partition}/${offset}`;

/** Puts one message of the last of these topics in. */
function add(load: Load, topics: readonly string[], value: string): boolean {
  const message = { topic: topics.length - 1, offset: Number(value), value: Buffer.from(value), answer: answer.faulty };
  return load.add({ ...buildBatch([message]), topics }, { row: 0, fault });
}

test('messages of a load know their topics, whichever batch they came in', () => {
  const load = new Load(Slab.allocate(4, 100));
  const batches: [string[], string][] = [
    [['a'], '1'],
    [['a', 'b'], '2'],
    [['b', 'a'], '3'],
    [['c'], '4'],
  ];
  for (const [topics, value] of batches) expect(add(load, topics, value)).toBe(true);
  expect(load.isFull).toBe(true);
  expect(quarantined(load, identify, 0).map(({ id, value }) => [id, String(value)])).toEqual([
    ['a/0/1', '1'],
    ['b/0/2', '2'],
    ['a/0/3', '3'],
    ['c/0/4', '4'],
  ]);
});

test('a message that does not fit leaves the load as it was', () => {
  const load = new Load(Slab.allocate(4, 3));
  expect([add(load, ['a'], '12'), add(load, ['b'], '34'), add(load, ['a'], '5')]).toEqual([true, false, true]);
  expect(load.topics).toEqual(['a']);
  expect(quarantined(load, identify, 0).map(({ id }) => id)).toEqual(['a/0/12', 'a/0/5']);
});
