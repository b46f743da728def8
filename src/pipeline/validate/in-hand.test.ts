import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer } from '../../model/slab.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { InHand } from './in-hand.ts';
import { Validator } from './validator.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'in-hand-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const now = Date.UTC(2026, 10, 4);
/** Beyond what Linux gives to any process. */
const deadPid = 2 ** 22 + 1;
const batch = buildBatch([{ offset: 7 }, { offset: 8 }, { offset: 9 }]);
const range = (from: number, to: number) => ({ topic: 'raw-events', partition: 0, from, to });

/** A process that has the ranges in hand and dies. */
function die(from: number, to: number): void {
  const dying = InHand.open(dir, now);
  dying.hold([range(from, to)], to - from === 1);
  renameSync(join(dir, `in-hand.${hostname()}.${process.pid}`), join(dir, `in-hand.${hostname()}.${deadPid}`));
}

const suspects = () => InHand.open(dir, now).suspectsOf(batch);

test('one death makes nobody a suspect, the second makes all who were there both times', () => {
  die(0, 9);
  expect(suspects()).toEqual([]);
  die(8, 20);
  expect(suspects()).toEqual([{ row: 1, isGuilty: false }]);
});

test('a message that was alone in hand twice is guilty', () => {
  die(8, 9);
  die(8, 9);
  expect(suspects()).toEqual([{ row: 1, isGuilty: true }]);
});

test('what was let go was not in hand, and what was cleared is forgotten', () => {
  die(0, 20);
  const process1 = InHand.open(dir, now);
  process1.hold([range(0, 20)], false)();
  process1.close();
  expect(suspects()).toEqual([]);
  die(0, 20);
  const process2 = InHand.open(dir, now);
  expect(process2.suspectsOf(batch)).toHaveLength(3);
  process2.clear([range(0, 20)]);
  expect(process2.suspectsOf(batch)).toEqual([]);
  process2.close();
  expect(readdirSync(dir)).toEqual([]);
});

test('a day later nobody is a suspect, and half a file is nobody either', () => {
  die(8, 9);
  die(8, 9);
  expect(InHand.open(dir, now + 25 * 3_600_000).suspectsOf(batch)).toEqual([]);
  writeFileSync(join(dir, `in-hand.${hostname()}.${deadPid}`), Buffer.alloc(9_000, '[['));
  expect(suspects()).toEqual([]);
});

test('suspects are judged one by one with nothing else in hand, and the guilty are not judged at all', async () => {
  die(0, 20);
  die(8, 9);
  die(8, 9);
  const inHand = InHand.open(dir, now);
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
    producerHeader: null,
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
