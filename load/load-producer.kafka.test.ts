import { expect, test } from 'vitest';
import { openWire, type WireRecord } from '../src/drivers/kafka-wire/wire.ts';
import { brokers, freshTopic } from '../src/testing/broker.ts';
import { type SampleEvent, sampleEvents } from '../src/testing/sample-events.ts';
import { LoadProducer } from './load-producer.ts';

async function produced(events: readonly SampleEvent[], topic: string): Promise<LoadProducer> {
  const producer = await LoadProducer.open({ brokers: brokers(), topic, client: {} });
  for (const event of events) while (!producer.send(event)) await new Promise((resolve) => setTimeout(resolve, 1));
  await producer.close();
  return producer;
}

async function readAll(topic: string): Promise<WireRecord[]> {
  const wire = await openWire({ brokers: [brokers()], client: {} });
  const records: WireRecord[] = [];
  for (const [partition, to] of (await wire.ends(topic)).entries()) {
    await wire.read({ topic, partition, from: 0, to }, (batch) => {
      records.push(...batch);
    });
  }
  await wire.close();
  return records;
}

test('every event arrives as it was made, and each kind is counted exactly', async () => {
  const samples = sampleEvents({ seed: 5, invalid: 0.5 });
  const events = Array.from({ length: 3_000 }, () => samples.next());
  const topic = await freshTopic('load', { partitions: 3 });
  const { delivered, failed } = await produced(events, topic);
  expect(failed).toBe(0);
  const kinds = new Map<string, number>();
  for (const { kind } of events) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  expect(delivered).toEqual(kinds);
  const parts = ({ key, value, headers }: Pick<WireRecord, 'key' | 'value' | 'headers'>) =>
    JSON.stringify([
      key?.toString('latin1') ?? null,
      value?.toString('latin1') ?? null,
      headers.map(({ name, value: bytes }) => [name, bytes?.toString('latin1') ?? null]),
    ]);
  expect((await readAll(topic)).map(parts).sort()).toEqual(events.map(parts).sort());
});

test('what the topic refuses counts as failed', async () => {
  const samples = sampleEvents({ seed: 5, invalid: 0.5, sizeBytes: 3_000, kinds: ['empty_value'] });
  const events = Array.from({ length: 20 }, () => samples.next());
  const topic = await freshTopic('load', { configs: { 'max.message.bytes': '1000' } });
  const producer = await LoadProducer.open({ brokers: brokers(), topic, client: { 'batch.num.messages': '1' } });
  for (const event of events) producer.send(event);
  await producer.close();
  const large = events.filter(({ kind }) => kind === 'valid').length;
  expect(large).toBeGreaterThan(0);
  expect(producer).toMatchObject({ failed: large, failure: expect.stringContaining('too large') });
  expect(producer.delivered).toEqual(new Map([['empty_value', 20 - large]]));
});
