import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answer } from '../../model/slab.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import type { Judgement, JudgeTask } from '../../workers/pool.ts';
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
const open = async (at = now) => InHand.open(path(), await deathsIn(path(), at), at);

/** A process that has the ranges in hand and dies. */
async function die(from: number, to: number): Promise<void> {
  await (await open()).hold([range(from, to)], to - from === 1);
}

const suspects = async () => (await open()).suspectsOf(batch);

test('one death makes nobody a suspect, the second makes all who were there both times', async () => {
  await die(0, 9);
  expect(await suspects()).toEqual([]);
  await die(8, 20);
  expect(await suspects()).toEqual([{ row: 1, isGuilty: false }]);
});

test('a message that was alone in hand three times is guilty', async () => {
  await die(8, 9);
  await die(8, 9);
  expect(await suspects()).toEqual([{ row: 1, isGuilty: false }]);
  await die(8, 9);
  expect(await suspects()).toEqual([{ row: 1, isGuilty: true }]);
});

test('what was let go was not in hand, and what was cleared is forgotten', async () => {
  await die(0, 20);
  const process1 = await open();
  await (await process1.hold([range(0, 20)], false))();
  await process1.close();
  expect(await suspects()).toEqual([]);
  await die(0, 20);
  const process2 = await open();
  expect(process2.suspectsOf(batch)).toHaveLength(3);
  process2.clear([range(0, 20)]);
  expect(process2.suspectsOf(batch)).toEqual([]);
  await process2.close();
  expect(readdirSync(dir)).toEqual([]);
});

test('a day later nobody is a suspect, and half a file is nobody either', async () => {
  await die(8, 9);
  await die(8, 9);
  expect((await open(now + 25 * 3_600_000)).suspectsOf(batch)).toEqual([]);
  writeFileSync(path(), Buffer.alloc(9_000, '[['));
  expect(await suspects()).toEqual([]);
});

const judgedWell: Judgement = { rejects: [], keys: [], samples: [], disagreements: 0, needs: [], fields: [] };

const validatorWith = (inHand: InHand, judge: (task: JudgeTask) => Promise<Judgement>) =>
  new Validator({
    judge: { threads: 1, judge },
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

test('suspects are judged one by one with nothing else in hand, and the guilty are not judged at all', async () => {
  await die(0, 20);
  for (let deaths = 0; deaths < 3; deaths++) await die(8, 9);
  const inHand = await open();
  const judged: string[] = [];
  const validator = validatorWith(inHand, async ({ range: { from, to } }) => {
    judged.push(`${from}-${to}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    judged.push('done');
    return judgedWell;
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
  await inHand.close();
});

test('a batch of one message is in company: its death is no lonely one', async () => {
  let begun = () => {};
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  // The process dies while it judges.
  void validatorWith(await open(), () => new Promise(begun)).judge(buildBatch([{ offset: 8 }]));
  await began;
  expect(await deathsIn(path(), now)).toEqual([{ ...range(8, 9), isAlone: false, at: now }]);
});

test('deaths behind a batch and before it cost it nothing', async () => {
  for (const [from, to] of [
    [0, 7],
    [0, 7],
    [10, 20],
    [10, 20],
  ] as const)
    await die(from, to);
  const inHand = await open();
  const reads = vi.spyOn(batch.slab, 'offset');
  expect(inHand.suspectsOf(batch)).toEqual([]);
  expect(reads).toHaveBeenCalledTimes(1);
  reads.mockRestore();
});

test('what is in hand when the service ends is no death', async () => {
  await die(0, 7);
  const inHand = await open();
  await inHand.hold([range(8, 9)], true);
  await inHand.close();
  expect(await deathsIn(path(), now)).toMatchObject([range(0, 7)]);
});
