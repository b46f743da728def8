import { beforeEach, expect, test } from 'vitest';
import type { Rebalance, Source } from '../../drivers/kafka/lane.ts';
import { systemClock } from '../../lib/clock.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { silentLog } from '../../observe/log.ts';
import { Consumer } from './consumer.ts';

let story: string[];
let waiting: Rebalance[];
let settled: Deferred;

beforeEach(() => {
  story = [];
  waiting = [];
  settled = createDeferred();
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
    close: async () => {},
  };
  const holder = {
    assign: (_: string, partition: number, epoch: number) => story.push(`assign ${partition} in epoch ${epoch}`),
    release: (_: string, partition: number) => story.push(`release ${partition}`),
    flush: () => story.push('flush'),
    settled: () => settled.promise,
  };
  const onRebalanced = (_: Rebalance, held: number) => story.push(`held ${held}`);
  return new Consumer({ source, holder, clock: systemClock, log: silentLog(), onRebalanced, ...options });
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
