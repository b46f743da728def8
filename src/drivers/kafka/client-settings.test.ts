import { expect, test } from 'vitest';
import { consumerSettings, producerSettings } from './client-settings.ts';

const client = (properties: Record<string, string | number | boolean>) => ({ brokers: 'b:9092', clientId: 'id', properties });
const limits = { messageBytesMax: 1_000_000, batchBytesMax: 500_000 };

test('a property of the user wins over our default', () => {
  const settings = { ...consumerSettings(client({ 'fetch.wait.max.ms': 7 }), 'g') } as Record<string, unknown>;
  expect([settings['fetch.wait.max.ms'], settings['group.id'], settings['auto.offset.reset']]).toEqual([7, 'g', 'earliest']);
});

test.each(['acks', 'enable.idempotence', 'message.timeout.ms', 'enable.auto.offset.store', 'enable.auto.commit', 'bootstrap.servers'])(
  '%s carries the guarantee and cannot be changed',
  (name) => {
    for (const settings of [() => consumerSettings(client({ [name]: 1 }), 'g'), () => producerSettings(client({ [name]: 1 }), limits)]) {
      expect(settings).toThrow(expect.objectContaining({ code: 'DQ_CONFIG_INVALID', message: expect.stringContaining(name) }));
    }
  },
);

test('a batch of the producer fits the smallest topic, and the broker is the judge of what is too large', () => {
  const settings = producerSettings(client({}), limits) as Record<string, unknown>;
  expect(settings['batch.size']).toBe(500_000);
  expect(settings['message.max.bytes']).toBeGreaterThan(1_000_000);
});
