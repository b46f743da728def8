import { expect, test } from 'vitest';
import { murmur2 } from '../../lib/murmur2.ts';
import type { PlanRecord } from '../../store/replay-plans.ts';
import type { Frame } from '../../store/segment.ts';
import type { Checked } from '../../workers/value-checker.ts';
import { judgeRecords } from './judged-record.ts';
import { createHeaderFilter } from './replay-headers.ts';

const letter: PlanRecord = {
  ordinal: 1,
  recordId: '7b1f3a52-0000-5000-8000-000000000000',
  storagePath: 'a-segment',
  payloadBytes: 2,
  payloadSha256: Buffer.alloc(32),
  topic: 'orders-dlt',
  partition: 5,
  placeIsKnown: false,
  schemaName: null,
  family: 'confluent_rules',
  valueIsNull: false,
  attempts: 0,
  chain: null,
};
const fits: Checked = { fault: null, schema: { name: 'order', version: '1.0.0' }, key: null, mendedBy: [] };

async function judge(row: Partial<PlanRecord>, { key = null, checked = fits }: { key?: Buffer | null; checked?: Checked } = {}) {
  const value = Buffer.from('{}');
  const frame: Frame = {
    partition: 5,
    offset: 12,
    timestamp: 1,
    key,
    value,
    headers: [],
    packedHeaders: Buffer.alloc(0),
    place: { offset: 0, length: value.length },
  };
  const target = { topic: 'orders', partitions: 4, messageBytesMax: 1_000, keyRequired: false, ownTimestamps: false };
  const [judged] = await judgeRecords(
    [{ ...letter, ...row }],
    { planId: 'plan', target, schemaVersion: null },
    {
      payloads: { frames: async () => [frame] },
      checker: { check: async () => [checked] },
      strip: createHeaderFilter([]),
      validTopic: 'valid',
    },
  );
  return judged;
}

test('a dead letter that does not say where its message was goes where its key belongs, and without a key anywhere', async () => {
  const keys = ['a', 'b', 'c', ''].map((text) => Buffer.from(text));
  for (const key of keys) expect(await judge({}, { key })).toMatchObject({ held: null, partition: murmur2(key) % 4 });
  expect(await judge({})).toMatchObject({ held: null, partition: 1 });
  for (const key of keys) expect(await judge({ topic: 'orders', placeIsKnown: true }, { key })).toMatchObject({ partition: 1 });
});

test('a dead letter that fits its schema only when rules have mended it does not go back as it is', async () => {
  const mended = { ...fits, mendedBy: ['number-from-text@1'] };
  expect(await judge({ schemaName: 'order' }, { checked: mended })).toMatchObject({
    held: { forecast: 'still_fails', message: expect.stringContaining('number-from-text@1') as string },
  });
  expect(await judge({ schemaName: 'order' })).toMatchObject({ held: null });
});
