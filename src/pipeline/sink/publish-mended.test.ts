import { expect, test } from 'vitest';
import type { Publication, Publisher } from '../../drivers/kafka/lane.ts';
import { buildBatch } from '../../testing/build-batch.ts';
import { publishMended } from './publish-mended.ts';

/** Takes what is published as `value key headers`, and refuses the values that are listed. */
function publisherOf(taken: string[][], refused: readonly string[] = []): Publisher {
  return {
    publish: ({ slab, rows, keys }: Publication) => {
      const texts = Array.from(rows, (row) => {
        const headers = slab.headers(row).map(({ name, value }) => `${name}=${value?.toString() ?? 'null'}`);
        const key = keys.get(row) ?? slab.key(row);
        return { row, text: [slab.value(row), key && Buffer.from(key), ...headers].map((part) => part?.toString()).join(' ') };
      });
      taken.push(texts.map(({ text }) => text));
      const isRefused = (text: string) => refused.some((value) => text.startsWith(value));
      return Promise.resolve(
        texts.filter(({ text }) => isRefused(text)).map(({ row }) => ({ row, reason: 'refused' as const, message: 'no' })),
      );
    },
    caughtUp: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

const header = (name: string, text: string) => ({ name, value: Buffer.from(text) });
const batch = buildBatch([
  { value: Buffer.from('a') },
  { value: Buffer.from('b'), offset: 7, partition: 3, timestamp: 9, headers: [header('x', '1'), header('dq.original.offset', 'old')] },
  { value: Buffer.from('c'), key: Buffer.from('k'), offset: 8, partition: 3, timestamp: 9 },
  { value: Buffer.from('d') },
]);
const whole: Publication = {
  topic: 'valid',
  slab: batch.slab,
  rows: Int32Array.of(0, 1, 2, 3),
  partitions: Int32Array.of(0, 1, 2, 3),
  keys: new Map([[1, Buffer.from('from value')]]),
};
const mended = new Map([
  [1, { row: 1, value: Buffer.from('B!'), rules: ['trim@1', 'cast@1'], keepOriginal: false }],
  [2, { row: 2, value: Buffer.from('C!'), rules: ['trim@1'], keepOriginal: true }],
]);

const originals = new Map([[2, 'raw/one.seg#44+1']]);

test('what was mended goes on between its neighbours, with its rules and where it came from', async () => {
  const taken: string[][] = [];
  expect(await publishMended(publisherOf(taken), whole, { batch, mended, originals })).toEqual([]);
  const from = (offset: number) =>
    `dq.original.topic=${batch.topics[0]} dq.original.partition=3 dq.original.offset=${offset} dq.original.timestamp=9`;
  expect(taken.map((part) => part.map((text) => text.trim()))).toEqual([
    ['a'],
    [`B! from value x=1 dq.remediated=trim@1,cast@1 ${from(7)}`, `C! k dq.remediated=trim@1 ${from(8)} dq.payload.ref=raw/one.seg#44+1`],
    ['d'],
  ]);
});

test('what the topic refuses is told by its row in the batch', async () => {
  const refusals = await publishMended(publisherOf([], ['C!', 'd']), whole, { batch, mended, originals });
  expect(refusals.map(({ row }) => row)).toEqual([2, 3]);
});
