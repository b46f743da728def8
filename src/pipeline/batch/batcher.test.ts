import { expect, test } from 'vitest';
import type { Clock } from '../../lib/clock.ts';
import { type MessageParts, Slab } from '../../model/slab.ts';
import { SlabRing } from '../../model/slab-ring.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { Batcher, claimsOf, type MessageFlow } from './batcher.ts';

const message = (offset: number, parts: Partial<MessageParts> = {}) => buildMessage({ offset, ...parts });

/** A flow that gives one chunk a fill, and time that passes a millisecond with each. */
function world(chunks: MessageParts[][], rebalanceAfter = Number.POSITIVE_INFINITY) {
  let now = 0;
  let fills = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, sleep: async () => {} };
  const flow: MessageFlow = {
    topics: ['raw-events'],
    get carriedBytes() {
      const [next] = chunks[0] ?? [];
      return next && next.value && next.value.length > 100 ? Slab.bytesOf(next) : null;
    },
    get rebalancePending() {
      return fills >= rebalanceAfter;
    },
    fill: async (slab) => {
      now += 1;
      fills += 1;
      const chunk = chunks[0] ?? [];
      let count = 0;
      while (chunk[0] && slab.append(chunk[0])) {
        chunk.shift();
        count += 1;
      }
      if (chunk.length === 0) chunks.shift();
      return count;
    },
  };
  return { clock, flow };
}

const ringOf = () => new SlabRing({ slabs: 2, rowsMax: 4, bytesMax: 100 });
const offsetsOf = (slab: Slab) => Array.from({ length: slab.count }, (_, row) => slab.offset(row));

test('while nothing is ahead, a batch goes as it is: a lone message does not wait', async () => {
  const { clock, flow } = world([[message(1)], [message(2)]]);
  const batcher = new Batcher({ ring: ringOf(), clock, isBehind: () => false, firstMsMax: 10, lingerMsMax: 50 });
  const batch = await batcher.next(flow);
  expect(batch && offsetsOf(batch.slab)).toEqual([1]);
});

test('while others are ahead, a batch grows until its slab is full', async () => {
  const { clock, flow } = world([[message(1)], [message(2)], [message(3), message(4)], [message(5)]]);
  const batcher = new Batcher({ ring: ringOf(), clock, isBehind: () => true, firstMsMax: 10, lingerMsMax: 50 });
  const batch = await batcher.next(flow);
  expect(batch && offsetsOf(batch.slab)).toEqual([1, 2, 3, 4]);
});

test('a batch does not grow past its linger, nor while the group wants an answer', async () => {
  const busy = { isBehind: () => true, firstMsMax: 10 };
  const lingering = world([[message(1)], [message(2)], [message(3)], [message(4)]]);
  const late = await new Batcher({ ring: ringOf(), clock: lingering.clock, ...busy, lingerMsMax: 2 }).next(lingering.flow);
  expect(late?.slab.count).toBe(3);
  const asked = world([[message(1)], [message(2)], [message(3)]], 2);
  const short = await new Batcher({ ring: ringOf(), clock: asked.clock, ...busy, lingerMsMax: 50 }).next(asked.flow);
  expect(short?.slab.count).toBe(2);
});

test('a message larger than a slab travels alone in one of its own, and the ring is as large as before', async () => {
  const ring = ringOf();
  const large = message(1, { value: Buffer.alloc(5_000) });
  const { clock, flow } = world([[large], [message(2)]]);
  const batcher = new Batcher({ ring, clock, isBehind: () => false, firstMsMax: 10, lingerMsMax: 50 });
  const batch = await batcher.next(flow);
  expect([batch?.slab.count, batch?.slab.value(0)?.length]).toEqual([1, 5_000]);
  if (batch) ring.give(batch.slab);
  const [one, two] = [ring.take(), ring.take()];
  expect([one.rowsMax, two.rowsMax, ring.hasFree]).toEqual([4, 4, false]);
});

test('no message, no batch, and the slab is free again', async () => {
  const ring = new SlabRing({ slabs: 1, rowsMax: 4, bytesMax: 100 });
  const { clock, flow } = world([]);
  expect(await new Batcher({ ring, clock, isBehind: () => false, firstMsMax: 10, lingerMsMax: 50 }).next(flow)).toBeNull();
  expect(ring.hasFree).toBe(true);
});

test('a batch has one claim for each partition and epoch, up to its last message', () => {
  const slab = Slab.allocate(5, 100);
  for (const parts of [
    message(7),
    message(3, { partition: 1, epoch: 2 }),
    message(9),
    message(0, { topic: 1, epoch: 3 }),
    message(4, { partition: 1, epoch: 2 }),
  ]) {
    slab.append(parts);
  }
  expect(claimsOf(slab, ['a', 'b'])).toEqual([
    { topic: 'a', partition: 0, epoch: 1, offsetNext: 10, messages: 2 },
    { topic: 'a', partition: 1, epoch: 2, offsetNext: 5, messages: 2 },
    { topic: 'b', partition: 0, epoch: 3, offsetNext: 1, messages: 1 },
  ]);
});

test('a slab that is given back wakes who waits for one', async () => {
  const ring = new SlabRing({ slabs: 1, rowsMax: 1, bytesMax: 10 });
  const slab = ring.take();
  let woken = false;
  const waiting = ring.freed().then(() => {
    woken = true;
  });
  await new Promise(setImmediate);
  expect(woken).toBe(false);
  ring.give(slab);
  await waiting;
});

test('messages larger than a slab count against the same budget of bytes', () => {
  const ring = new SlabRing({ slabs: 4, rowsMax: 4, bytesMax: 100 });
  const large: Slab[] = [];
  while (ring.hasFree) large.push(ring.exchange(ring.take(), 150));
  expect(large).toHaveLength(3);
  const enormous = () => ring.exchange(ring.take(), 10_000);
  for (const slab of large) ring.give(slab);
  const slab = enormous();
  expect(ring.hasFree).toBe(false);
  ring.give(slab);
  expect(ring.hasFree).toBe(true);
});
