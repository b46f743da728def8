import { beforeEach, expect, test } from 'vitest';
import { answer } from '../model/slab.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import { buildBatch } from '../testing/build-batch.ts';
import { Tally } from './tally.ts';

let metrics: Metrics;
let tally: Tally;

beforeEach(() => {
  metrics = createMetrics();
  tally = new Tally({ schemaName: () => null, metrics });
});

const batch = buildBatch([{}, { answer: answer.faulty }, { answer: answer.tombstone, value: null }]);
const fault = { error_type: 'schema_violation', schema_name: null } as never;

test('what was taken in is open or settled', () => {
  tally.take(batch);
  expect(tally.balance(3)).toBe(0);
  tally.count({ batch, rejects: [{ row: 1, fault }] })(0);
  expect(tally.balance(0)).toBe(0);
});

test('a message that is neither is unaccounted, and the metric says so', async () => {
  tally.take(batch);
  expect(tally.balance(2)).toBe(1);
  expect(await metrics.registry.metrics()).toMatch(/^dataquarantine_unaccounted_records 1$/m);
});

test('a message that is settled twice is unaccounted, too', () => {
  tally.take(batch);
  const reject = { row: 1, fault };
  tally.count({ batch, rejects: [reject, reject] })(0);
  expect(tally.balance(0)).toBe(1);
});

test('a mended message counts as remediated and not as valid, unless the topic refused it', async () => {
  const mended = new Map([0, 1].map((row) => [row, { row, value: Buffer.from('{}'), rules: ['trim@1', 'cast@1'], keepOriginal: false }]));
  tally.take(batch);
  tally.count({ batch, rejects: [{ row: 1, fault }], mended })(0);
  expect(tally.balance(0)).toBe(0);
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/^dataquarantine_records_remediated_total 1$/m);
  expect(text).toMatch(/^dataquarantine_remediations_total\{schema="[^"]*",rule="cast@1"\} 1$/m);
  expect(text).not.toMatch(/^dataquarantine_records_valid_total\{/m);
});
