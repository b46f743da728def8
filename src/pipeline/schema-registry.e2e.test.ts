import { expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import type { WireRecord } from '../drivers/kafka-wire/record-batches.ts';
import { silentLog } from '../observe/log.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { openStage, type Stage } from '../testing/engine.ts';
import { FaultProxy } from '../testing/fault-proxy.ts';
import { publishMessages } from '../testing/publish-messages.ts';
import { framed, register, registryUrl } from '../testing/schema-registry.ts';

async function feed(stage: Stage, values: readonly Buffer[]): Promise<void> {
  const client = { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} };
  const messageBytesMax = new Map([[stage.source, 2 ** 20]]);
  const publisher = await ClientPublisher.open({ client, messageBytesMax, log: silentLog(), onFatal: () => {} });
  const records = values.map((value) =>
    buildMessage({ partition: 0, timestamp: 1_767_225_600_000, key: Buffer.from('k'), value, headers: [] }),
  );
  await publishMessages(publisher, stage.source, records);
  await publisher.close();
}

async function read(stage: Stage, topic: string): Promise<WireRecord[]> {
  const [to] = await stage.wire.ends(topic);
  const records: WireRecord[] = [];
  await stage.wire.read({ topic, partition: 0, from: 0, to: to as number }, (some) => void records.push(...some));
  return records;
}

const one = { partitions: 1 };

test('while the registry is away messages wait, the service says so, and afterwards each goes where its schema sends it', async () => {
  const known = await register('payments-value', { required: ['amount'] });
  const proxy = await FaultProxy.open({ host: '127.0.0.1', port: Number(new URL(registryUrl()).port) });
  const stage = await openStage({ source: one, valid: one, dlq: one, env: { DQ_SCHEMA_REGISTRY_URL: proxy.urlOf(registryUrl()) } });
  const engine = await stage.start();
  proxy.set({ kind: 'reset' });
  const later = await register('payments-value', { required: ['amount', 'currency'] });
  const values = [
    framed(known, '{ "amount": 1.0 }'),
    framed(known, { sum: 1 }),
    framed(later, { amount: 1, currency: 'EUR' }),
    framed(987_654, { amount: 1 }),
  ];
  await feed(stage, values);
  await expect.poll(async () => (await fetch(`${engine.address}/readyz`)).text(), { timeout: 60_000 }).toContain('schema registry');
  expect(await read(stage, stage.dlq)).toEqual([]);

  proxy.set({ kind: 'none' });
  await stage.committed();
  await expect.poll(async () => (await fetch(`${engine.address}/readyz`)).status, { timeout: 60_000 }).toBe(200);
  const valid = (await read(stage, stage.valid)).map(({ value }) => value);
  expect(valid).toEqual([values[0], values[2]]);
  const letters = (await read(stage, stage.dlq)).map(({ value }) => JSON.parse(String(value)));
  expect(letters.map(({ validation_error }) => validation_error.error_type)).toEqual(['schema_violation', 'schema_not_found']);
  expect(letters[0]).toMatchObject({ schema_name: 'payments-value', schema_version: '1', original_message: null });
  expect(Buffer.from(letters[0].original_message_base64, 'base64')).toEqual(values[1]);
  expect(await engine.stop()).toBe(0);
  const { counts } = await stage.verify();
  expect(counts).toMatchObject({ in: 4, valid: 2, quarantined: 2, unaccounted: 0 });
  await proxy.close();
});
