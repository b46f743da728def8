import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer } from '../../model/slab.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { deathsIn, InHand } from './in-hand.ts';
import { Validator } from './validator.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'in-hand-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const now = Date.UTC(2026, 10, 4);
const batch = buildBatch([{ offset: 7 }, { offset: 8 }, { offset: 9 }]);
const range = (from: number, to: number) => ({ topic: 'raw-events', partition: 0, from, to });
const path = () => join(dir, 'in-hand');
const open = (at = now) => InHand.open(path(), deathsIn(path(), at), at);

/** A process that has the ranges in hand and dies. */
async function die(from: number, to: number): Promise<void> {
  await open().hold([range(from, to)], to - from === 1);
}

const suspects = () => open().suspectsOf(batch);

test('one death makes nobody a suspect, the second makes all who were there both times', async () => {
  await die(0, 9);
  expect(suspects()).toEqual([]);
  await die(8, 20);
  expect(suspects()).toEqual([{ row: 1, isGuilty: false }]);
});

test('a message that was alone in hand three times is guilty', async () => {
  await die(8, 9);
  await die(8, 9);
  expect(suspects()).toEqual([{ row: 1, isGuilty: false }]);
  await die(8, 9);
  expect(suspects()).toEqual([{ row: 1, isGuilty: true }]);
});

test('what was let go was not in hand, and what was cleared is forgotten', async () => {
  await die(0, 20);
  const process1 = open();
  await (await process1.hold([range(0, 20)], false))();
  process1.close();
  expect(suspects()).toEqual([]);
  await die(0, 20);
  const process2 = open();
  expect(process2.suspectsOf(batch)).toHaveLength(3);
  process2.clear([range(0, 20)]);
  expect(process2.suspectsOf(batch)).toEqual([]);
  process2.close();
  expect(readdirSync(dir)).toEqual([]);
});

test('a day later nobody is a suspect, and half a file is nobody either', async () => {
  await die(8, 9);
  await die(8, 9);
  expect(open(now + 25 * 3_600_000).suspectsOf(batch)).toEqual([]);
  writeFileSync(path(), Buffer.alloc(9_000, '[['));
  expect(suspects()).toEqual([]);
});

test('suspects are judged one by one with nothing else in hand, and the guilty are not judged at all', async () => {
  await die(0, 20);
  for (let deaths = 0; deaths < 3; deaths++) await die(8, 9);
  const inHand = open();
  const judged: string[] = [];
  const validator = new Validator({
    judge: {
      threads: 1,
      judge: async ({ range: { from, to } }) => {
        judged.push(`${from}-${to}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        judged.push('done');
        return { rejects: [], keys: [], samples: [], disagreements: 0, needs: [], fields: [] };
      },
    },
    catalog: () => ({}) as never,
    topics: [],
    limits: {} as never,
    ask: async () => [],
    absent: () => [],
    inHand,
    engine: 'js',
    producerHeaders: null,
    onFields: () => {},
    onSample: () => {},
    onDisagreement: () => {},
  });
  const before = buildBatch([{ offset: 100 }]);
  const [, { rejects }] = await Promise.all([
    validator.judge(before),
    validator.judge(batch),
    validator.judge(buildBatch([{ offset: 101 }])),
  ]);
  expect(rejects.map(({ row, fault }) => [row, fault.error_type])).toEqual([[1, 'validator_error']]);
  expect(batch.slab.answers[1]).toBe(answer.faulty);
  expect(judged.filter((_, index) => index % 2 === 1).every((line) => line === 'done')).toBe(true);
  inHand.close();
});
