import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Header, packedBytes, packHeaders } from '../model/header.ts';
import {
  decodeFrame,
  decodeFrames,
  encodeSegment,
  type FrameParts,
  formatStoragePath,
  frameStart,
  parseStoragePath,
  segmentKey,
} from './segment.ts';

const bytesArbitrary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const headersArbitrary = fc.array(fc.record({ name: fc.string({ unit: 'grapheme', maxLength: 8 }), value: fc.option(bytesArbitrary) }), {
  maxLength: 4,
});
const partsArbitrary = fc.record({
  partition: fc.nat(),
  offset: fc.maxSafeNat(),
  timestamp: fc.integer({ min: -1, max: 8.64e15 }),
  key: fc.option(bytesArbitrary),
  headers: headersArbitrary,
  value: bytesArbitrary,
});

type Parts = Omit<FrameParts, 'packedHeaders'> & { headers: readonly Header[] };

function framePartsOf({ headers, ...rest }: Parts): FrameParts {
  const packedHeaders = Buffer.alloc(packedBytes(headers));
  packHeaders(headers, packedHeaders, 0);
  return { ...rest, packedHeaders };
}

const message: Parts = {
  partition: 2,
  offset: 2 ** 40 + 5,
  timestamp: 1_700_000_000_123,
  key: Buffer.from('user-1'),
  headers: [{ name: 'trace', value: Buffer.from('abc') }],
  value: Buffer.from('{"user_id":"seven"}'),
};

test('what is laid into a segment is read back, message by message', () => {
  fc.assert(
    fc.property(fc.array(partsArbitrary, { maxLength: 6 }), (messages) => {
      const { bytes, places } = encodeSegment(messages.map(framePartsOf));
      const frames = [...decodeFrames(bytes)];
      expect(frames).toEqual(messages.map((parts, index) => ({ ...parts, ...framePartsOf(parts), place: places[index] })));
    }),
  );
});

test('a place spans the value alone and leads back to the frame', () => {
  fc.assert(
    fc.property(fc.array(partsArbitrary, { minLength: 1, maxLength: 6 }), (messages) => {
      const { bytes, places } = encodeSegment(messages.map(framePartsOf));
      for (const [index, place] of places.entries()) {
        expect(bytes.subarray(place.offset, place.offset + place.length)).toEqual(messages[index]?.value);
        expect(decodeFrame(bytes, frameStart(bytes, place)).key).toEqual(messages[index]?.key);
      }
    }),
  );
});

test('an empty value has a place of length 0', () => {
  const { places } = encodeSegment([framePartsOf({ ...message, value: Buffer.alloc(0) })]);
  expect(places[0]?.length).toBe(0);
});

test('a timestamp past every date does not stop a segment', () => {
  const { bytes } = encodeSegment([framePartsOf({ ...message, timestamp: 2 ** 63 })]);
  expect([...decodeFrames(bytes)]).toHaveLength(1);
});

test('every flipped byte of a frame is noticed', () => {
  const { bytes } = encodeSegment([framePartsOf(message)]);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x41, at);
    expect(() => [...decodeFrames(damaged)], `byte ${at}`).toThrow(expect.objectContaining({ code: 'DQ_STORAGE_CORRUPT' }));
  }
});

test('a segment cut short is noticed wherever it is cut', () => {
  const { bytes } = encodeSegment([framePartsOf(message)]);
  for (let length = 1; length < bytes.length; length++) {
    expect(() => [...decodeFrames(bytes.subarray(0, length))]).toThrow(expect.objectContaining({ code: 'DQ_STORAGE_CORRUPT' }));
  }
});

test('a place that no value has is refused', () => {
  const { bytes } = encodeSegment([framePartsOf(message)]);
  for (const offset of [0, 10, bytes.length + 1, bytes.length]) {
    expect(() => frameStart(bytes, { offset, length: 1 })).toThrow(expect.objectContaining({ code: 'DQ_STORAGE_CORRUPT' }));
  }
});

test('a segment key holds topic and day, and no two are equal', () => {
  const now = Date.UTC(2025, 10, 3, 23, 59);
  expect(segmentKey('raw-events', now)).toMatch(/^raw-events\/2025\/11\/03\/[0-9A-HJKMNP-TV-Z]{26}\.seg$/);
  expect(new Set(Array.from({ length: 100 }, () => segmentKey('raw-events', now))).size).toBe(100);
});

test('a storage path is read back as it was made, and nothing else is one', () => {
  const key = segmentKey('raw.events_1-x', 0);
  const place = { offset: 4_000_000_000, length: 0 };
  expect(parseStoragePath(formatStoragePath(key, place))).toEqual({ key, place });
  for (const path of ['', key, `${key}#`, `${key}#1`, `${key}#1+`, `${key}#-1+2`, `#1+2`, `${key}#1+2 `]) {
    expect(() => parseStoragePath(path)).toThrow(expect.objectContaining({ code: 'DQ_STORAGE_CORRUPT' }));
  }
});
