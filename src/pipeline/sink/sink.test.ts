import { expect, test } from 'vitest';
import type { Publication } from '../../drivers/kafka/lane.ts';
import { createDeferred } from '../../lib/deferred.ts';
import type { Delivery } from '../../model/delivery.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { Sink, type SinkOptions } from './sink.ts';

/** A delivery of one message. */
function deliveryOf(value: string, keepOriginal?: boolean): Delivery {
  const batch = buildBatch([{ value: Buffer.from(value) }]);
  const message = { row: 0, value: Buffer.from(`${value}!`), rules: ['trim@1'], keepOriginal: keepOriginal === true };
  const mended = keepOriginal === undefined ? {} : { mended: new Map([[0, message]]) };
  return { batch, rows: Int32Array.of(0), partitions: Int32Array.of(0), keys: new Map(), rejects: [], ...mended };
}

function sinkOf(published: string[], quarantine: object): Sink {
  return new Sink({
    publisher: {
      publish: ({ slab, rows }: Publication) => {
        for (const row of rows) {
          const original = slab.headers(row).find(({ name }) => name === 'dq.payload.ref');
          published.push(`${slab.value(row)?.toString()}${original ? ` from ${original.value?.toString()}` : ''}`);
        }
        return Promise.resolve([]);
      },
    } as Partial<SinkOptions['publisher']> as SinkOptions['publisher'],
    validTopic: 'valid',
    keyRequired: false,
    quarantine: {
      keep: () => ({ copied: Promise.resolve(), kept: Promise.resolve() }),
      ...quarantine,
    } as unknown as SinkOptions['quarantine'],
    faultOf: () => {
      throw new Error('nothing is refused');
    },
  });
}

test('what waits for its original to be kept is not overtaken, and says where that is', async () => {
  const published: string[] = [];
  const kept = [createDeferred<ReadonlyMap<number, string>>(), createDeferred<ReadonlyMap<number, string>>()];
  const waiting = [...kept];
  const sink = sinkOf(published, { keepOriginals: () => waiting.shift()?.promise });
  const deliveries = [deliveryOf('a'), deliveryOf('b', true), deliveryOf('c'), deliveryOf('d', true), deliveryOf('e', false)];
  const delivered = deliveries.map((delivery) => sink.deliver(delivery).passed);
  await delivered[0];
  kept[1]?.resolve(new Map([[0, 'place of d']]));
  await new Promise(setImmediate);
  expect(published).toEqual(['a']);
  kept[0]?.resolve(new Map([[0, 'place of b']]));
  await Promise.all(delivered);
  expect(published).toEqual(['a', 'b! from place of b', 'c', 'd! from place of d', 'e!']);
  const [mended, plain] = [sink.deliver(deliveryOf('f', false)).passed, sink.deliver(deliveryOf('g')).passed];
  expect(published.slice(5)).toEqual(['f!', 'g']);
  await Promise.all([mended, plain]);
});

test('mended messages whose originals nobody wants are kept nowhere', async () => {
  const published: string[] = [];
  const sink = sinkOf(published, {
    keepOriginals: () => {
      throw new Error('nothing is kept');
    },
  });
  await sink.deliver(deliveryOf('a', false)).passed;
  expect(published).toEqual(['a!']);
});

test('a batch has passed when its bad messages and those that the topic refused are copied, and not before', async () => {
  const keepings = Array.from({ length: 2 }, () => ({ copied: createDeferred(), kept: createDeferred() }));
  const waiting = [...keepings];
  const keep = () => {
    const next = waiting.shift();
    return { copied: next?.copied.promise, kept: next?.kept.promise };
  };
  const sink = sinkOf([], { keep });
  const story: string[] = [];
  const passage = sink.deliver(deliveryOf('a'));
  const told = [passage.passed.then(() => story.push('passed')), passage.kept.then(() => story.push('kept'))];
  for (const step of ['copied', 'kept'] as const) {
    for (const keeping of step === 'copied' ? keepings : keepings.toReversed()) {
      await new Promise(setImmediate);
      expect(story).toEqual(step === 'copied' ? [] : ['passed']);
      keeping[step].resolve();
    }
  }
  await Promise.all(told);
  expect(story).toEqual(['passed', 'kept']);
});
