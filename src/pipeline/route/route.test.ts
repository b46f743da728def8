import { expect, test } from 'vitest';
import { murmur2 } from '../../lib/murmur2.ts';
import { answer } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { route } from './route.ts';

const fault: Fault = {
  outcome: 'invalid',
  error_type: 'malformed_json',
  error_message: 'expected JSON',
  field_path: '',
  instance_path: '',
  keyword: null,
  fingerprint: 'v1:0',
  schema_name: null,
  schema_version: null,
  engine: 'js',
};

test('good rows and tombstones go on in source order, bad ones do not', () => {
  const batch = buildBatch([{ partition: 3 }, { answer: answer.faulty }, { answer: answer.tombstone, partition: 5 }, {}]);
  const delivery = route(batch, { rejects: [{ row: 1, fault }], keys: new Map() }, 4);
  expect([...delivery.rows]).toEqual([0, 2, 3]);
  expect([...delivery.partitions]).toEqual([3, 1, 0]);
  expect(delivery.rejects).toEqual([{ row: 1, fault }]);
});

test('a message whose key comes from its value goes where a Java producer would send that key', () => {
  const key = Buffer.from('sensor-17');
  const delivery = route(buildBatch([{ partition: 1 }]), { rejects: [], keys: new Map([[0, key]]) }, 7);
  expect([...delivery.partitions]).toEqual([murmur2(key) % 7]);
});

test('a batch with an unanswered row, or with answers that do not match the rejects, is never routed', () => {
  expect(() => route(buildBatch([{ answer: answer.pending }]), { rejects: [], keys: new Map() }, 1)).toThrow('without an answer');
  expect(() => route(buildBatch([{ answer: answer.faulty }]), { rejects: [], keys: new Map() }, 1)).toThrow('neither');
  expect(() => route(buildBatch([{}]), { rejects: [{ row: 0, fault }], keys: new Map() }, 1)).toThrow('both');
});
