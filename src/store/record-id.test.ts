import { expect, test } from 'vitest';
import { createRecordId, recordId } from './record-id.ts';

const source = { clusterId: 'MkU3OEVBNTcwNTJENDM2Qg', topicId: 'x9fZr0uXQ4y0lqgRZkzq8w', partition: 3, offset: 41_207 };

test('the id of a source message never changes', () => {
  // The expected value is what Python's uuid.uuid5 makes of the documented namespace and name.
  expect(recordId(source)).toBe('cb75e157-04eb-5014-92ef-a6cb16c32ad3');
});

test('every coordinate counts', () => {
  const others = [
    { ...source, clusterId: 'another' },
    { ...source, topicId: 'another' },
    { ...source, partition: 34, offset: 1_207 },
    { ...source, offset: 41_208 },
  ];
  expect(new Set([source, ...others].map(recordId)).size).toBe(5);
});

test('by the name of its topic a message has the same id', () => {
  const { clusterId, topicId, partition, offset } = source;
  const identify = createRecordId({ clusterId, topics: new Map([['raw-events', { topicId }]]) });
  expect(identify('raw-events', partition, offset)).toBe(recordId(source));
  expect(() => identify('raw-orders', partition, offset)).toThrow('was not asked about');
});
