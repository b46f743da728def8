import { expect, test } from 'vitest';
import { murmur2 } from './murmur2.ts';

/** The vectors of Kafka's own UtilsTest.testMurmur2, made positive as the partitioner does. */
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of %s is the one that the Java client computes', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash & 0x7fffffff);
});
