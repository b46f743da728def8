import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBatch, type RawRecord } from '../../testing/raw-records.ts';
import { decodeBatches } from './record-batches.ts';

const bytesArbitrary = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const headerArbitrary = fc.record({
  name: fc.oneof(fc.constant('__proto__'), fc.string({ unit: 'grapheme', maxLength: 5 })),
  value: bytesArbitrary,
});
const recordArbitrary: fc.Arbitrary<RawRecord> = fc.record({
  key: bytesArbitrary,
  value: bytesArbitrary,
  headers: fc.array(headerArbitrary, { maxLength: 4 }),
  timestamp: fc.oneof(fc.integer({ min: -1, max: 2 ** 31 }), fc.integer({ min: 0, max: 2 ** 52 })),
});
const recordsArbitrary = fc.array(recordArbitrary, { minLength: 1, maxLength: 20 });
const everything = Number.MAX_SAFE_INTEGER;

function raw(value: string, timestamp = 1_000): RawRecord {
  return { key: null, value: Buffer.from(value), headers: [], timestamp };
}

function valuesOf(bytes: Buffer, from = 0, to = everything): (string | undefined)[] {
  return decodeBatches(bytes, { from, to }).records.map(({ value }) => value?.toString());
}

test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('what was written is read back in every byte (compression: %s)', (codec) => {
  fc.assert(
    fc.property(recordsArbitrary, fc.integer({ min: 0, max: 2 ** 40 }), (records, offsetFirst) => {
      const { records: read, offsetNext } = decodeBatches(encodeBatch(records, { codec, offsetFirst }), { from: 0, to: everything });
      expect(read).toEqual(records.map((record, index) => ({ ...record, offset: offsetFirst + index })));
      expect(offsetNext).toBe(offsetFirst + records.length);
    }),
    { numRuns: 50 },
  );
});

test('headers keep their order, their repetitions and the difference of null and empty', () => {
  const headers = [
    { name: 'b', value: Buffer.from('2') },
    { name: '__proto__', value: Buffer.from('x') },
    { name: 'b', value: null },
    { name: 'b', value: Buffer.alloc(0) },
  ];
  const [read] = decodeBatches(encodeBatch([{ ...raw('v'), headers }]), { from: 0, to: everything }).records;
  expect(read?.headers).toEqual(headers);
});

test('only the records of the range are kept, in whichever batch they lie', () => {
  const bytes = Buffer.concat([
    encodeBatch([raw('0'), raw('1'), raw('2')]),
    encodeBatch([raw('3'), raw('4')], { offsetFirst: 3 }),
    encodeBatch([raw('5')], { offsetFirst: 5 }),
  ]);
  expect(valuesOf(bytes, 2, 4)).toEqual(['2', '3']);
  expect(decodeBatches(bytes, { from: 2, to: 4 }).offsetNext).toBe(6);
});

test('gaps in offsets are kept', () => {
  const { records, offsetNext } = decodeBatches(encodeBatch([raw('a'), raw('b')], { offsetFirst: 10, offsetDeltas: [2, 7] }), {
    from: 0,
    to: everything,
  });
  expect(records.map(({ offset }) => offset)).toEqual([12, 17]);
  expect(offsetNext).toBe(18);
});

test('transaction markers are passed over', () => {
  const bytes = Buffer.concat([encodeBatch([raw('a')]), encodeBatch([raw('marker')], { offsetFirst: 1, control: true })]);
  expect(valuesOf(bytes)).toEqual(['a']);
  expect(decodeBatches(bytes, { from: 0, to: everything }).offsetNext).toBe(2);
});

test('records of aborted transactions are left out where these are named, and nothing else is', () => {
  const batch = (value: string, offsetFirst: number, producerId: bigint, options = {}) =>
    encodeBatch([raw(value)], { offsetFirst, producerId, transactional: true, ...options });
  const bytes = Buffer.concat([
    batch('plain', 0, -1n, { transactional: false }),
    batch('lost', 1, 7n),
    batch('other', 2, 8n),
    batch('outside', 3, 7n, { transactional: false }),
    batch('lost too', 4, 7n),
    batch('abort', 5, 7n, { control: true }),
    batch('next', 6, 7n),
    batch('commit', 7, 7n, { control: true }),
  ]);
  const aborted = [{ producerId: 7n, offsetFirst: 1 }];
  const { records, offsetNext } = decodeBatches(bytes, { from: 0, to: everything, aborted });
  expect(records.map(({ value }) => value?.toString())).toEqual(['plain', 'other', 'outside', 'next']);
  expect(offsetNext).toBe(8);
  expect(decodeBatches(bytes, { from: 0, to: everything }).records).toHaveLength(6);
});

test('where the broker sets the time, that time stands for all of the batch', () => {
  const { records } = decodeBatches(encodeBatch([raw('a', 5), raw('b', 9)], { logAppendTime: true }), { from: 0, to: everything });
  expect(records.map(({ timestamp }) => timestamp)).toEqual([9, 9]);
});

test('a batch that was cut off is left for the next fetch, wherever it was cut', () => {
  const [whole, cut] = [encodeBatch([raw('a')]), encodeBatch([raw('b')], { offsetFirst: 1 })];
  for (let length = 0; length < cut.length; length++) {
    const bytes = Buffer.concat([whole, cut.subarray(0, length)]);
    expect(decodeBatches(bytes, { from: 0, to: everything })).toMatchObject({ records: [{ offset: 0 }], offsetNext: 1 });
  }
  expect(decodeBatches(cut.subarray(0, 30), { from: 0, to: everything }).offsetNext).toBe(null);
});

test('a flipped bit anywhere behind the checksum is noticed', () => {
  const batch = encodeBatch([raw('payload')]);
  for (let at = 17; at < batch.length; at++) {
    const damaged = Buffer.from(batch);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    expect(() => decodeBatches(damaged, { from: 0, to: everything }), `byte ${at}`).toThrow(
      expect.objectContaining({ code: 'DQ_KAFKA_UNREADABLE' }),
    );
  }
});

test('snappy is read in the frames of Java producers too', () => {
  const bare = encodeBatch([raw('a'.repeat(500)), raw('b')], { codec: 'snappy' });
  const block = bare.subarray(61);
  const frame = Buffer.alloc(20);
  Buffer.from('\x82SNAPPY\0', 'latin1').copy(frame);
  frame.writeInt32BE(1, 8);
  frame.writeInt32BE(1, 12);
  frame.writeInt32BE(block.length, 16);
  const framed = encodeBatch([raw('a'.repeat(500)), raw('b')], { codec: 'snappy', body: Buffer.concat([frame, block]) });
  expect(valuesOf(framed)).toEqual(['a'.repeat(500), 'b']);
});

test('a batch of an unknown codec or format says so', () => {
  const unknown = encodeBatch([raw('a')], { body: Buffer.from('?'), codecBits: 5 });
  expect(() => decodeBatches(unknown, { from: 0, to: everything })).toThrow(/unknown codec \(5\)/);
  const old = encodeBatch([raw('a')]);
  old.writeInt8(1, 16);
  expect(() => decodeBatches(old, { from: 0, to: everything })).toThrow(/format 1/);
});
