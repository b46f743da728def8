import { expect, test } from 'vitest';
import type { Header } from '../../model/header.ts';
import { Slab } from '../../model/slab.ts';
import { brokers, freshTopic } from '../../testing/broker.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { fillTo, publisherOf, sourceOf } from '../../testing/lanes.ts';
import { publishMessages } from '../../testing/publish-messages.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../../testing/raw-records.ts';

const lane = 'client';

const named = (name: string, value: string): Header => ({ name, value: Buffer.from(value) });
const record = (value: string, headers: readonly Header[] = []) => buildMessage({ value: Buffer.from(value), headers });

test('a null header value becomes an empty one: the client says no difference', async () => {
  const topic = await freshTopic('null-header');
  const raw: RawRecord = { key: null, value: Buffer.from('x'), headers: [{ name: 'nothing', value: null }], timestamp: 1 };
  await produceRaw({ broker: brokers(), topic, partition: 0, batch: encodeBatch([raw]) });
  const { source } = await sourceOf(lane, topic);
  const slab = Slab.allocate(4, 4_096);
  await fillTo(source, slab, 1);
  expect(slab.headers(0)).toEqual([{ name: 'nothing', value: Buffer.alloc(0) }]);
});

test('a header name that is not UTF-8 stops its partition with a clear error, unless the loss is accepted', async () => {
  const topic = await freshTopic('lossy');
  const publisher = await publisherOf(lane, topic);
  await publishMessages(publisher, topic, [record('before'), record('bad', [named('\uFFFD', 'x')]), record('after')]);
  const strict = await sourceOf(lane, topic);
  const slab = Slab.allocate(8, 1_000);
  await fillTo(strict.source, slab, 1);
  while (strict.stopped.length === 0) await strict.source.fill(slab, 100);
  await strict.source.fill(slab, 300);
  expect([slab.count, strict.stopped]).toEqual([1, ['0: DQ_KAFKA_HEADER_LOST']]);
  const lossy = await sourceOf(lane, topic, { lossyHeaders: true });
  const all = Slab.allocate(8, 1_000);
  await fillTo(lossy.source, all, 3);
});
