import { expect, test } from 'vitest';
import { recordId } from './record-id.ts';

const source = { clusterId: 'MkU3OEVBNTcwNTJENDM2Qg', topicId: 'x9fZr0uXQ4y0lqgRZkzq8w', partition: 3, offset: 41_207 };

test('the id of a source message never changes', () => {
  // The expected value is Python's uuid.uuid5(UUID("3d7c7a2e-52c1-4c58-9f0b-6f2b1d0c9a41"), name) of the documented name.
  expect(recordId(source)).toBe('cb75e157-04eb-5014-92ef-a6cb16c32ad3');
});

test('every coordinate counts', () => {
  const others = [
    { ...source, clusterId: 'another' },
    { ...source, topicId: 'another' },
    { ...source, partition: 34, offset: 1207 },
    { ...source, offset: 41_208 },
  ];
  expect(new Set([source, ...others].map(recordId)).size).toBe(5);
});
