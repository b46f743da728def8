import { createServer, type Server } from 'node:net';
import kafka from '@confluentinc/kafka-javascript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Header } from '../../model/header.ts';
import { brokers, freshGroup, freshTopic } from '../../testing/broker.ts';
import { type BatchOptions, encodeBatch, produceRaw, type RawRecord } from '../../testing/raw-records.ts';
import { commitOffset, deleteRecordsBefore } from '../../testing/raw-requests.ts';
import type { WireRecord } from './record-batches.ts';
import { openWire, type Wire, type WireRange } from './wire.ts';

let wire: Wire;

beforeAll(async () => {
  wire = await openWire({ brokers: [brokers()], client: {} });
});

afterAll(() => wire.close());

function raw(value: string, parts: Partial<RawRecord> = {}): RawRecord {
  return { key: null, value: Buffer.from(value), headers: [], timestamp: Date.now(), ...parts };
}

async function produce(topic: string, records: readonly RawRecord[], options: BatchOptions = {}): Promise<void> {
  await produceRaw({ broker: brokers(), topic, partition: 0, batch: encodeBatch(records, options) });
}

async function topicOf(values: readonly string[], options: BatchOptions = {}): Promise<string> {
  const topic = await freshTopic('wire');
  await produce(
    topic,
    values.map((value) => raw(value)),
    options,
  );
  return topic;
}

async function readAll(range: Partial<WireRange> & { topic: string }): Promise<WireRecord[]> {
  const records: WireRecord[] = [];
  const from = range.from ?? 0;
  const to = range.to ?? (await wire.ends(range.topic))[0] ?? 0;
  await wire.read({ partition: 0, ...range, from, to }, (batch) => {
    records.push(...batch);
  });
  return records;
}

const textsOf = (records: readonly WireRecord[]) => records.map(({ value }) => value?.toString());

test('a cluster has an id, and its topics have ids and partitions', async () => {
  const topic = await freshTopic('wire', { partitions: 3 });
  const cluster = await wire.cluster([topic]);
  expect(cluster.clusterId).toMatch(/^[\w-]{22}$/);
  expect(cluster.topics.get(topic)).toEqual({ topicId: expect.stringMatching(/^[\w-]{22}$/), partitions: 3 });
});

test('all topics that are missing are named at once', async () => {
  const topic = await freshTopic('wire');
  const missing = wire.cluster(['no-such-topic', topic, 'nor-this-one']);
  await expect(missing).rejects.toMatchObject({ code: 'DQ_KAFKA_TOPIC_MISSING' });
  await expect(missing).rejects.toThrow('Topics "no-such-topic", "nor-this-one" cannot be found.');
});

test('the settings of a topic are read', async () => {
  const configs = { 'max.message.bytes': '2000000', 'cleanup.policy': 'compact,delete', 'retention.ms': '60000' };
  const [topic, timed] = [
    await freshTopic('wire', { configs }),
    await freshTopic('wire', { configs: { 'message.timestamp.type': 'LogAppendTime' } }),
  ];
  const settings = await wire.topicSettings([topic, timed]);
  expect(settings.get(topic)).toEqual({
    messageBytesMax: 2_000_000,
    compacted: true,
    retentionMs: 60_000,
    retentionBytes: -1,
    logAppendTime: false,
  });
  expect(settings.get(timed)).toMatchObject({ compacted: false, logAppendTime: true });
});

test('topics are made once, and a setting that Kafka does not know is refused', async () => {
  const name = await freshTopic('wire');
  const again = { name, partitions: 7, replicationFactor: 1, configs: {} };
  expect(await wire.createTopics([again, { ...again, name: `${name}-new` }])).toEqual([`${name}-new`]);
  expect((await wire.cluster([name])).topics.get(name)?.partitions).toBe(1);
  const odd = { ...again, name: `${name}-odd`, configs: { 'no.such.setting': '1' } };
  await expect(wire.createTopics([odd])).rejects.toThrow(/-odd" cannot be made.*no\.such\.setting/);
});

/** Records older than the usual retention would be gone at its next round. */
const forever = { configs: { 'retention.ms': '-1' } };

test('records come as they lie in the log, in every byte', async () => {
  const topic = await freshTopic('wire', forever);
  const headers: Header[] = [
    { name: 'b', value: Buffer.from([0, 255]) },
    { name: '__proto__', value: Buffer.from('x') },
    { name: 'b', value: null },
    { name: '', value: Buffer.alloc(0) },
  ];
  const records = [
    raw('plain', { headers }),
    { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [], timestamp: 0 },
    { key: Buffer.from('k'), value: null, headers: [], timestamp: 1_234_567_890_123 },
  ];
  await produce(topic, records);
  expect(await readAll({ topic })).toEqual(records.map((record, offset) => ({ ...record, offset })));
});

test.each(['gzip', 'snappy', 'lz4'] as const)('%s is unpacked', async (codec) => {
  const values = Array.from({ length: 100 }, (_, index) => `value ${index}`);
  expect(textsOf(await readAll({ topic: await topicOf(values, { codec }) }))).toEqual(values);
});

test('a range is read from its first offset to before its last', async () => {
  const topic = await topicOf(['0', '1', '2', '3', '4']);
  expect(textsOf(await readAll({ topic, from: 1, to: 4 }))).toEqual(['1', '2', '3']);
  expect(await readAll({ topic, from: 3, to: 3 })).toEqual([]);
});

test('a range that reaches past the end of the log ends with it', async () => {
  const topic = await topicOf(['0', '1']);
  expect(textsOf(await readAll({ topic, to: 1_000 }))).toEqual(['0', '1']);
});

test('how far a range was read is told, and who needs all of it gets an error', async () => {
  const range = { topic: await topicOf(['0', '1']), partition: 0, from: 0, to: 3 };
  const texts: (string | undefined)[] = [];
  expect(await wire.read(range, (records) => void texts.push(...textsOf(records)))).toBe(2);
  expect(texts).toEqual(['0', '1']);
  await expect(wire.readWhole(range, () => {})).rejects.toMatchObject({ code: 'DQ_KAFKA_UNREACHABLE' });
  await wire.readWhole({ ...range, to: 2 }, () => {});
});

test('offsets that the log no longer has are passed over', async () => {
  const topic = await topicOf(['0', '1', '2', '3']);
  await deleteRecordsBefore({ topic, partition: 0 }, 2);
  expect(await wire.starts(topic)).toEqual([2]);
  expect(textsOf(await readAll({ topic }))).toEqual(['2', '3']);
});

test('more than one answer can hold comes in order, and the reader is waited for', async () => {
  const topic = await freshTopic('wire');
  const value = 'x'.repeat(100_000);
  for (let batch = 0; batch < 30; batch++) await produce(topic, [raw(`${batch}${value}`)]);
  const offsets: number[] = [];
  let busy = 0;
  let calls = 0;
  await wire.read({ topic, partition: 0, from: 0, to: 30 }, async (records) => {
    expect(++busy).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    offsets.push(...records.map(({ offset }) => offset));
    calls += 1;
    busy -= 1;
  });
  expect(offsets).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expect(calls).toBeGreaterThan(1);
});

test('an error of the reader ends the reading', async () => {
  const topic = await topicOf(['0', '1']);
  const reading = wire.read({ topic, partition: 0, from: 0, to: 2 }, () => {
    throw new Error('enough');
  });
  await expect(reading).rejects.toThrow('enough');
});

test('a point in time becomes the first offset that is not older, or the end', async () => {
  const topic = await freshTopic('wire', forever);
  await produce(topic, [raw('a', { timestamp: 1_000 }), raw('b', { timestamp: 2_000 }), raw('c', { timestamp: 3_000 })]);
  expect(await wire.since(topic, 1_500)).toEqual([1]);
  expect(await wire.since(topic, 9_000)).toEqual([3]);
});

test('committed offsets are read, null where a group has none', async () => {
  const [topic, group] = [await freshTopic('wire', { partitions: 2 }), freshGroup()];
  expect(await wire.committed(group, [topic])).toEqual(new Map([[topic, [null, null]]]));
  await commitOffset(group, { topic, partition: 1 }, 42);
  expect(await wire.committed(group, [topic])).toEqual(new Map([[topic, [null, 42]]]));
});

test('a topic that is missing is an error of reading too', async () => {
  const reading = wire.read({ topic: 'no-such-topic', partition: 0, from: 0, to: 1 }, () => undefined);
  await expect(reading).rejects.toMatchObject({ code: 'DQ_KAFKA_TOPIC_MISSING' });
});

test('a broker that does not listen, or that speaks no TLS, is unreachable', async () => {
  await expect(openWire({ brokers: [`127.0.0.1:${await freePort()}`], client: {} })).rejects.toMatchObject({
    code: 'DQ_KAFKA_UNREACHABLE',
  });
  const encrypted = openWire({ brokers: [brokers()], client: { 'security.protocol': 'ssl' } });
  await expect(encrypted).rejects.toMatchObject({ code: 'DQ_KAFKA_UNREACHABLE' });
});

test('the second of two brokers is tried where the first does not listen', async () => {
  const other = await openWire({ brokers: [`127.0.0.1:${await freePort()}`, brokers()], client: {} });
  await expect(other.cluster([])).resolves.toMatchObject({ clusterId: expect.any(String) });
  await other.close();
});

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('of transactions, open and aborted ones are read or left alone, as the client was opened', async () => {
  const topic = await freshTopic('wire');
  const [done, dropped, open] = [await openTransactions('one'), await openTransactions('two'), await openTransactions('three')];
  const committed = await openWire({ brokers: [brokers()], client: {}, isolation: 'committed' });
  try {
    await done.send(topic, 'a');
    await done.end('commit');
    await dropped.send(topic, 'b');
    await dropped.end('abort');
    await dropped.send(topic, 'c');
    await dropped.end('commit');
    await open.send(topic, 'd');
    const read: (string | undefined)[] = [];
    await committed.read({ topic, partition: 0, from: 0, to: 1_000 }, (records) => void read.push(...textsOf(records)));
    expect(read).toEqual(['a', 'c']);
    expect(textsOf(await readAll({ topic }))).toEqual(['a', 'b', 'c', 'd']);
    const [[seen = 0], [written = 0]] = [await committed.ends(topic), await wire.ends(topic)];
    expect(seen).toBe(written - 1);
  } finally {
    await open.end('abort');
    for (const one of [done, dropped, open]) await one.close();
    await committed.close();
  }
});

/** The official client with transactions: begins one with every first message. */
async function openTransactions(name: string) {
  const producer = new kafka.KafkaJS.Kafka({ 'bootstrap.servers': brokers(), log_level: 0 }).producer({
    'transactional.id': `${freshGroup()}-${name}`,
  });
  await producer.connect();
  let transaction: Awaited<ReturnType<typeof producer.transaction>> | null = null;
  return {
    send: async (topic: string, value: string) => {
      transaction ??= await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
    },
    end: async (how: 'commit' | 'abort') => {
      await transaction?.[how]();
      transaction = null;
    },
    close: () => producer.disconnect(),
  };
}
