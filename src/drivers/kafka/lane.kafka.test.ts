import kafka from '@confluentinc/kafka-javascript';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Header } from '../../model/header.ts';
import { type MessageParts, Slab } from '../../model/slab.ts';
import { brokers, freshTopic } from '../../testing/broker.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { fillTo, laneNames, publisherOf, sourceOf } from '../../testing/lanes.ts';
import { publishMessages } from '../../testing/publish-messages.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../../testing/raw-records.ts';
import { openWire, type Wire, type WireRecord } from '../kafka-wire/wire.ts';

type RebalanceCallback = (error: { readonly code: number }, partitions: readonly object[]) => void;

let wire: Wire;

beforeEach(async () => {
  wire = await openWire({ brokers: [brokers()], client: {} });
});

afterEach(() => wire.close());

async function readAll(topic: string): Promise<WireRecord[]> {
  const records: WireRecord[] = [];
  for (const [partition, to] of (await wire.ends(topic)).entries()) {
    await wire.read({ topic, partition, from: 0, to }, (batch) => void records.push(...batch));
  }
  return records;
}

const record = (value: string | null, parts: Partial<MessageParts> = {}): MessageParts =>
  buildMessage({ value: value === null ? null : Buffer.from(value), ...parts });

const named = (name: string, value: string): Header => ({ name, value: Buffer.from(value) });

describe.each(laneNames)('the %s lane', (lane) => {
  test('what crosses the lane and goes on is byte for byte what came: null and empty, keys, headers of any name, timestamps', async () => {
    const [from, to] = [await freshTopic('lane-in'), await freshTopic('lane-out')];
    const raw: RawRecord[] = [
      { key: Buffer.from('k'), value: Buffer.from('{"a":1}'), headers: [named('a', '1'), named('a', '2'), named('', 'x')], timestamp: 1 },
      { key: null, value: null, headers: [], timestamp: 1_767_225_600_000 },
      { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [named('empty', '')], timestamp: 2 },
      {
        key: Buffer.from([0, 255]),
        value: Buffer.from([0, 1, 254]),
        headers: [named('__proto__', 'evil'), named('constructor', 'c')],
        timestamp: 3,
      },
      { key: null, value: Buffer.from('x'), headers: [named('0', 'index'), named('ключ', 'ü')], timestamp: 4 },
    ];
    await produceRaw({ broker: brokers(), topic: from, partition: 0, batch: encodeBatch(raw) });
    const { source } = await sourceOf(lane, from);
    const slab = Slab.allocate(16, 4_096);
    await fillTo(source, slab, raw.length);
    const rows = Int32Array.from(raw.keys());
    const refused = await (await publisherOf(lane, to)).publish({
      topic: to,
      slab,
      rows,
      partitions: new Int32Array(raw.length),
      keys: new Map(),
    });
    expect(refused).toEqual([]);
    const plain = (records: readonly (WireRecord | RawRecord)[]) =>
      records.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }));
    expect(plain(await readAll(to))).toEqual(plain(raw));
  });

  test('messages that do not fit the slab come with the next, in order, and one larger than any slab announces its size', async () => {
    const topic = await freshTopic('carry');
    const publisher = await publisherOf(lane, topic);
    const large = 'x'.repeat(5_000);
    await publishMessages(publisher, topic, [record('1'), record('2'), record(large), record('3')]);
    const { source } = await sourceOf(lane, topic);
    const seen: string[] = [];
    const take = (slab: Slab) => {
      for (let row = 0; row < slab.count; row++) seen.push(String(slab.value(row)));
      slab.reset();
    };
    const small = Slab.allocate(1, 100);
    await fillTo(source, small, 1);
    take(small);
    await fillTo(source, small, 1);
    take(small);
    while (source.carriedBytes === null || source.carriedBytes <= 100) await source.fill(small, 100);
    expect([small.count, source.carriedBytes]).toEqual([0, 5_000]);
    const fitting = Slab.allocate(1, source.carriedBytes ?? 0);
    await source.fill(fitting, 0);
    take(fitting);
    await fillTo(source, small, 1);
    take(small);
    expect(seen).toEqual(['1', '2', large, '3']);
  });

  test('stored offsets are committed on the way out, and the next member of the group goes on from there', async () => {
    const topic = await freshTopic('commit');
    await publishMessages(await publisherOf(lane, topic), topic, [record('1'), record('2'), record('3')]);
    const first = await sourceOf(lane, topic);
    const slab = Slab.allocate(8, 1_000);
    await fillTo(first.source, slab, 3);
    first.source.storeOffsets([{ topic, partition: 0, epoch: slab.epoch(0), offsetNext: 2 }]);
    await first.close();
    expect((await wire.committed(first.groupId, [topic])).get(topic)).toEqual([2]);
    const second = await sourceOf(lane, topic, { groupId: first.groupId });
    const rest = Slab.allocate(8, 1_000);
    await fillTo(second.source, rest, 1);
    expect([rest.count, String(rest.value(0))]).toEqual([1, '3']);
  });

  test('a rebalance that is told after the client has left its group ends nothing', async () => {
    const topic = await freshTopic('late-rebalance');
    const leaving = vi.spyOn(kafka.KafkaConsumer.prototype, 'disconnect');
    const { close } = await sourceOf(lane, topic);
    await close();
    const [client] = leaving.mock.contexts as (kafka.KafkaConsumer & { globalConfig: { rebalance_cb: RebalanceCallback } })[];
    leaving.mockRestore();
    expect(() => client?.unassign()).toThrow('is disconnected');
    client?.globalConfig.rebalance_cb({ code: kafka.CODES.ERRORS.ERR__REVOKE_PARTITIONS }, [{ topic, partition: 0 }]);
  });

  test('an offset of a lost epoch is not stored', async () => {
    const topic = await freshTopic('epoch');
    await publishMessages(await publisherOf(lane, topic), topic, [record('1')]);
    const { source, groupId, close } = await sourceOf(lane, topic);
    const slab = Slab.allocate(8, 1_000);
    await fillTo(source, slab, 1);
    source.storeOffsets([{ topic, partition: 0, epoch: slab.epoch(0) + 1, offsetNext: 1 }]);
    await close();
    expect((await wire.committed(groupId, [topic])).get(topic)).toEqual([null]);
  });

  test('publications keep their order within a partition, however many are on their way', async () => {
    const topic = await freshTopic('order', { partitions: 2 });
    const publisher = await publisherOf(lane, topic);
    const chunk = (from: number) => Array.from({ length: 500 }, (_, index) => record(String(from + index), { partition: index % 2 }));
    const sent = Array.from({ length: 40 }, (_, at) => publishMessages(publisher, topic, chunk(at * 500)));
    expect((await Promise.all(sent)).flat()).toEqual([]);
    for (const partition of [0, 1]) {
      const values: number[] = [];
      const to = (await wire.ends(topic))[partition] as number;
      await wire.read({ topic, partition, from: 0, to }, (batch) => void values.push(...batch.map(({ value }) => Number(value))));
      expect(values).toEqual(Array.from({ length: 10_000 }, (_, index) => index * 2 + partition));
    }
  });

  test('an empty value or key of a record goes out as empty, not as null', async () => {
    const topic = await freshTopic('empty');
    await publishMessages(await publisherOf(lane, topic), topic, [record('', { key: Buffer.alloc(0) }), record(null)]);
    expect((await readAll(topic)).map(({ key, value }) => [key, value])).toEqual([
      [Buffer.alloc(0), Buffer.alloc(0)],
      [null, null],
    ]);
  });

  test('only the guilty are refused: too large, keyless on a compacted topic; their neighbours in the batch pass once', async () => {
    const topic = await freshTopic('refuse', { configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '10000' } });
    const publisher = await publisherOf(lane, topic, { messageBytes: 10_000 });
    const keyed = (value: string) => record(value, { key: Buffer.from(value.slice(0, 20)) });
    const records = [
      keyed('1'),
      keyed('2'.repeat(12_000)),
      keyed('3'),
      record('no key'),
      keyed('5'),
      keyed('6'.repeat(200_000)),
      keyed('7'),
    ];
    const refused = await publishMessages(publisher, topic, records);
    expect(refused.toSorted((a, b) => a.row - b.row).map(({ row, reason }) => [row, reason])).toEqual([
      [1, 'too_large'],
      [3, 'refused'],
      [5, 'too_large'],
    ]);
    expect((await readAll(topic)).map(({ value }) => String(value)).sort()).toEqual(['1', '3', '5', '7']);
  });
});
