import { beforeEach, expect, test } from 'vitest';
import type { Watermark } from '../../model/delivery.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { Committer } from './committer.ts';

let stored: Watermark[];
let commits: number;
let committer: Committer;

beforeEach(() => {
  stored = [];
  commits = 0;
  committer = new Committer({
    storeOffsets: (watermarks) => stored.push(...watermarks),
    commitStored: () => {
      commits += 1;
    },
  });
  committer.assign('raw-events', 0, 1);
});

const batchAt = (offset: number, epoch = 1) => buildBatch([{ offset, epoch }], offset);

test('an offset is stored only when all before it are settled', () => {
  const [first, second] = [batchAt(7), batchAt(8)];
  committer.track(first);
  committer.track(second);
  committer.settle(second);
  committer.flush();
  expect(stored).toEqual([]);
  committer.settle(first);
  expect(stored).toEqual([{ topic: 'raw-events', partition: 0, epoch: 1, offsetNext: 9 }]);
});

test('a commit is asked for at once when nothing is open any more, and not before', () => {
  const [first, second] = [batchAt(0), batchAt(1)];
  committer.track(first);
  committer.track(second);
  committer.settle(first);
  committer.flush();
  expect([stored.length, commits]).toEqual([1, 0]);
  committer.settle(second);
  expect([stored.length, commits]).toEqual([2, 1]);
});

test('what settles after its partition was given back moves nothing', () => {
  const batch = batchAt(3);
  committer.track(batch);
  committer.release('raw-events', 0);
  committer.settle(batch);
  committer.flush();
  expect(stored).toEqual([]);
});

test('what settles in a later epoch of the same partition moves nothing', () => {
  const late = batchAt(3);
  committer.track(late);
  committer.release('raw-events', 0);
  committer.assign('raw-events', 0, 2);
  committer.settle(late);
  expect(stored).toEqual([]);
  const fresh = batchAt(1, 2);
  committer.track(fresh);
  committer.settle(fresh);
  expect(stored).toEqual([{ topic: 'raw-events', partition: 0, epoch: 2, offsetNext: 2 }]);
});

test('a drain waits for the open batches of its partitions only', async () => {
  committer.assign('raw-events', 1, 2);
  const mine = batchAt(0);
  const other = buildBatch([{ partition: 1, epoch: 2 }], 2);
  committer.track(mine);
  committer.track(other);
  let drained = false;
  const drain = committer.settled([{ topic: 'raw-events', partition: 0 }]).then(() => {
    drained = true;
  });
  await new Promise(setImmediate);
  expect(drained).toBe(false);
  committer.settle(mine);
  await drain;
  expect(committer.openBatches).toBe(1);
});

test('a batch that was never tracked cannot be settled', () => {
  expect(() => committer.settle(batchAt(0))).toThrow('not tracked');
});
