import { expect, test } from 'vitest';
import { takeOffsets } from './offsets.ts';

const notLeader = 6;

test('what a leader refuses for one partition does not hide what it says of the others', () => {
  const offsets = [null, 7, null, null];
  const answered = [
    { partitionIndex: 2, errorCode: notLeader, offset: -1n },
    { partitionIndex: 0, errorCode: 0, offset: 5n },
    { partitionIndex: 3, errorCode: 0, offset: 9n },
  ];
  expect(() => takeOffsets('orders-dlt', answered, offsets)).toThrow('The offsets of orders-dlt/2 cannot be read');
  expect(offsets).toEqual([5, 7, null, 9]);
});
