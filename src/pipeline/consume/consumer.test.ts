import { beforeEach, expect, test } from 'vitest';
import type { Rebalance, Source } from '../../drivers/kafka/lane.ts';
import { systemClock } from '../../lib/clock.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { silentLog } from '../../observe/log.ts';
import { Consumer } from './consumer.ts';

let story: string[];
let waiting: Rebalance[];
let settled: Deferred;
let isHeld: boolean;
let isOpen: boolean;
let hasWithheld: boolean;

beforeEach(() => {
  story = [];
  waiting = [];
  settled = createDeferred();
  isHeld = false;
  isOpen = false;
  hasWithheld = false;
});

function consumerWith(options: { revokeMsMax: number; idleAfterMs: number } = { revokeMsMax: 60_000, idleAfterMs: 60_000 }): Consumer {
  const source: Source = {
    topics: ['raw-events'],
    carriedBytes: null,
    get rebalancePending() {
      return waiting.length > 0;
    },
    rebalanced: async () => {
      if (waiting.length === 0) await new Promise(() => {});
    },
    nextRebalance: () => waiting.shift() ?? null,
    answer: ({ kind, partitions }) => story.push(`answer ${kind} ${partitions.map(({ partition }) => partition).join()}`),
    epochOf: (_, partition) => 100 + partition,
    fill: async () => 0,
    storeOffsets: () => {},
    commitStored: () => {},
    idle: async () => void story.push('idle'),
    resume: () => story.push('resume'),
    partitionsOf: () => [
      { topic: 'raw-events', partition: 0 },
      { topic: 'raw-events', partition: 1 },
    ],
    hold: (topic) => story.push(`hold ${topic}`),
    rewind: async ({ partition }, offset) => {
      story.push(`rewind ${partition} to ${offset}`);
      return 200 + partition;
    },
    release: (topic) => story.push(`release ${topic}`),
    close: async () => {},
  };
  const holder = {
    assign: (_: string, partition: number, epoch: number) => story.push(`assign ${partition} in epoch ${epoch}`),
    release: (_: string, partition: number) => story.push(`release ${partition}`),
    flush: () => story.push('flush'),
    settled: () => settled.promise,
    isOpen: () => isOpen,
    hasWithheld: () => hasWithheld,
    withheldFrom: (_: string, partition: number) => (partition === 1 ? 42 : null),
  };
  const onRebalanced = (_: Rebalance, held: number) => story.push(`held ${held}`);
  return new Consumer({ source, holder, clock: systemClock, log: silentLog(), onRebalanced, isHeld: () => isHeld, ...options });
}

const rebalance = (kind: Rebalance['kind'], partitions: number[], lost = false): Rebalance => ({
  kind,
  lost,
  partitions: partitions.map((partition) => ({ topic: 'raw-events', partition })),
});

test('an assigned partition is held in the epoch that the source gave it', async () => {
  waiting.push(rebalance('assign', [3]));
  await consumerWith().answerRebalances();
  expect(story).toEqual(['answer assign 3', 'assign 3 in epoch 103', 'held 1']);
});

test('a revoked partition is drained, its offsets stored, and only then given back', async () => {
  waiting.push(rebalance('revoke', [3]));
  const answered = consumerWith().answerRebalances();
  await new Promise(setImmediate);
  expect(story).toEqual([]);
  settled.resolve();
  await answered;
  expect(story).toEqual(['flush', 'release 3', 'answer revoke 3', 'held -1']);
});

test('a partition that does not settle in time is given back all the same, with what was settled stored', async () => {
  waiting.push(rebalance('revoke', [3]));
  await consumerWith({ revokeMsMax: 5, idleAfterMs: 60_000 }).answerRebalances();
  expect(story).toEqual(['flush', 'release 3', 'answer revoke 3', 'held -1']);
});

test('a lost partition is neither waited for nor stored: it may have another owner already', async () => {
  waiting.push(rebalance('revoke', [3], true));
  await consumerWith().answerRebalances();
  expect(story).toEqual(['release 3', 'answer revoke 3', 'held -1']);
});

test('while there is no room, rebalances are answered, and after a while the membership is kept alive', async () => {
  const room = createDeferred();
  let hasRoom = false;
  const waited = consumerWith({ revokeMsMax: 1, idleAfterMs: -1 }).waitFor(
    () => room.promise,
    () => hasRoom,
  );
  await new Promise(setImmediate);
  waiting.push(rebalance('assign', [1]));
  while (!story.includes('answer assign 1')) await new Promise((resolve) => setTimeout(resolve, 10));
  hasRoom = true;
  room.resolve();
  await waited;
  expect(story).toContain('idle');
  expect(story.at(-1)).toBe('resume');
});

test('a topic that is held back is paused once, and read on from what was withheld as soon as all before it is settled', async () => {
  const consumer = consumerWith();
  isHeld = true;
  await consumer.holdTopics();
  await consumer.holdTopics();
  isHeld = false;
  isOpen = true;
  await consumer.holdTopics();
  expect(story).toEqual(['hold raw-events']);
  isOpen = false;
  await consumer.holdTopics();
  await consumer.holdTopics();
  expect(story.slice(1)).toEqual(['flush', 'rewind 1 to 42', 'assign 1 in epoch 201', 'release raw-events']);
});

test('what was withheld and let through between two turns is read again', async () => {
  hasWithheld = true;
  await consumerWith().holdTopics();
  expect(story).toEqual(['flush', 'rewind 1 to 42', 'assign 1 in epoch 201', 'release raw-events']);
});
