import { expect, test } from 'vitest';
import { packed } from '../../model/header.ts';
import { Slab } from '../../model/slab.ts';
import { brokers, freshTopic } from '../../testing/broker.ts';
import { fillTo, publisherOf, sourceOf } from '../../testing/lanes.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../../testing/raw-records.ts';

const lane = 'native';

/** Headers as a slab holds them, of names that need not be text. */
function packedRaw(headers: RawRecord['headers']): Buffer {
  return Buffer.concat(
    headers.map(({ name, value }) => {
      const nameBytes = Buffer.from(name);
      const lengths = Buffer.alloc(8);
      lengths.writeInt32LE(nameBytes.length, 0);
      lengths.writeInt32LE(value?.length ?? -1, 4);
      return Buffer.concat([lengths.subarray(0, 4), nameBytes, lengths.subarray(4), value ?? Buffer.alloc(0)]);
    }),
  );
}

/** All rows of a topic's first partition, as the lane reads them. */
async function readRows(topic: string, count: number): Promise<{ headers: Buffer; timestamp: number }[]> {
  const { source } = await sourceOf(lane, topic);
  const slab = Slab.allocate(count, 65_536);
  await fillTo(source, slab, count);
  return Array.from({ length: count }, (_, row) => ({ headers: slab.packedHeaders(row), timestamp: slab.timestamp(row) }));
}

test('headers pass as the bytes they are: null apart from empty, names that are no text, names with a NUL; and a missing timestamp', async () => {
  const [from, to] = [await freshTopic('bytes-in'), await freshTopic('bytes-out')];
  const x = Buffer.from('x');
  const lists: RawRecord['headers'][] = [
    [
      { name: 'nothing', value: null },
      { name: 'empty', value: Buffer.alloc(0) },
    ],
    [
      { name: Buffer.from([0xff, 0xfe, 0x41]), value: x },
      { name: Buffer.from([0xc3]), value: null },
    ],
    [
      { name: 'a\0b', value: x },
      { name: '\0', value: Buffer.from('\0') },
      { name: '', value: Buffer.alloc(0) },
    ],
    [],
  ];
  const raw = lists.map((headers): RawRecord => ({ key: null, value: x, headers, timestamp: -1 }));
  await produceRaw({ broker: brokers(), topic: from, partition: 0, batch: encodeBatch(raw) });
  const { source } = await sourceOf(lane, from);
  const slab = Slab.allocate(8, 4_096);
  await fillTo(source, slab, raw.length);
  expect(slab.packedHeaders(0)).toEqual(packed(slab.headers(0)));
  const publisher = await publisherOf(lane, to);
  const rows = Int32Array.from(raw.keys());
  await publisher.publish({ topic: to, slab, rows, partitions: new Int32Array(raw.length), keys: new Map() });
  const expected = lists.map((headers) => ({ headers: packedRaw(headers), timestamp: -1 }));
  expect(await readRows(from, raw.length)).toEqual(expected);
  expect(await readRows(to, raw.length)).toEqual(expected);
});
