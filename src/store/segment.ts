import { crc32 } from 'node:zlib';
import { ulid } from 'ulid';
import { ByteWriter } from '../lib/byte-writer.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import type { Header } from '../model/header.ts';
import { unpackHeaders } from '../model/header.ts';
import type { Quarantined } from '../model/record.ts';

/**
 * A segment is one object with the payloads of many messages of one topic: frames, one after another, and nothing else.
 * A frame, little-endian throughout:
 *
 * | at | type | |
 * | --- | --- | --- |
 * | 0 | 4 bytes | `DQF` and the version of the format, 1 |
 * | 4 | uint32 | CRC-32 of all that follows in the frame |
 * | 8 | int32 | bytes of the key, -1 for a null key |
 * | 12 | int32 | bytes of the packed headers |
 * | 16 | int32 | bytes of the value |
 * | 20 | int32 | source partition |
 * | 24 | int64 | source offset |
 * | 32 | int64 | timestamp, milliseconds since 1970, as in the source |
 * | 40 | | the key, then the headers (see `packHeaders`) |
 * | | uint32 | how far back the frame starts, counted from the value, so that a storage path alone leads to key and headers |
 * | | | the value |
 */
const magic = 0x01_46_51_44;
const headBytes = 40;
const backBytes = 4;
const checksumBytes = 4;
const twoTo32 = 2 ** 32;

/** Where a value lies in its segment, in bytes. */
export interface ValuePlace {
  readonly offset: number;
  readonly length: number;
}

/** A frame as read back. The buffers are views. */
export interface Frame {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly headers: readonly Header[];
  /** The headers as they lie in the frame. */
  readonly packedHeaders: Buffer;
  readonly value: Buffer;
  readonly place: ValuePlace;
}

/** What a frame is made of. */
export type FrameParts = Pick<Quarantined, 'partition' | 'offset' | 'timestamp' | 'key' | 'packedHeaders' | 'value'>;

/** Lays the messages into one segment. The places are in the order of the messages and span the values alone. */
export function encodeSegment(records: readonly FrameParts[]): { bytes: Buffer; places: ValuePlace[] } {
  let bytesInAll = 0;
  for (const record of records) bytesInAll += frameBytes(record);
  const bytes = Buffer.allocUnsafeSlow(bytesInAll);
  const places: ValuePlace[] = [];
  const writer = new ByteWriter(bytes, 0);
  for (const record of records) {
    const end = writeFrame(writer, record);
    places.push({ offset: end - record.value.length, length: record.value.length });
  }
  return { bytes, places };
}

function frameBytes({ key, packedHeaders, value }: FrameParts): number {
  return headBytes + (key?.length ?? 0) + packedHeaders.length + backBytes + value.length;
}

/** Writes a frame and returns where it ends. */
function writeFrame(writer: ByteWriter, record: FrameParts): number {
  const { key, packedHeaders, value } = record;
  const start = writer.at;
  writer.int32(magic);
  writer.at += checksumBytes;
  writer.int32(key?.length ?? -1);
  writer.int32(packedHeaders.length);
  writer.int32(value.length);
  writer.int32(record.partition);
  writer.int64(record.offset);
  writer.int64(record.timestamp);
  if (key) writer.raw(key);
  writer.raw(packedHeaders);
  writer.int32(writer.at + backBytes - start);
  writer.raw(value);
  writer.int32At(start + 4, crc32(writer.bytes.subarray(start + 8, writer.at)));
  return writer.at;
}

/** The frames of a whole segment, in order. Throws `DQ_STORAGE_CORRUPT` where one is not as it was written. */
export function* decodeFrames(bytes: Buffer): Generator<Frame> {
  for (let at = 0; at < bytes.length; ) {
    const frame = decodeFrame(bytes, at);
    yield frame;
    at = frame.place.offset + frame.place.length;
  }
}

/** The frame that starts at `start`. Throws `DQ_STORAGE_CORRUPT` if none does, or not as it was written. */
export function decodeFrame(bytes: Buffer, start: number): Frame {
  if (bytes.length - start < headBytes + backBytes || bytes.readUInt32LE(start) !== magic) throw corrupt(start, 'no frame starts there');
  const keyBytes = bytes.readInt32LE(start + 8);
  const headersAt = start + headBytes + Math.max(0, keyBytes);
  const backAt = headersAt + bytes.readInt32LE(start + 12);
  const valueAt = backAt + backBytes;
  const end = valueAt + bytes.readInt32LE(start + 16);
  const inOrder = keyBytes >= -1 && headersAt <= backAt && valueAt <= end && end <= bytes.length;
  if (!inOrder) throw corrupt(start, 'its lengths go past the end of the segment');
  if (crc32(bytes.subarray(start + 8, end)) !== bytes.readUInt32LE(start + 4)) throw corrupt(start, 'its checksum does not fit');
  return {
    partition: bytes.readInt32LE(start + 20),
    offset: readInt64(bytes, start + 24),
    timestamp: readInt64(bytes, start + 32),
    key: keyBytes < 0 ? null : bytes.subarray(start + headBytes, headersAt),
    headers: unpackHeaders(bytes.subarray(headersAt, backAt)),
    packedHeaders: bytes.subarray(headersAt, backAt),
    value: bytes.subarray(valueAt, end),
    place: { offset: valueAt, length: end - valueAt },
  };
}

/** Where the frame starts whose value lies at `place`. */
export function frameStart(bytes: Buffer, place: ValuePlace): number {
  const backAt = place.offset - backBytes;
  if (backAt < headBytes || place.offset > bytes.length) throw corrupt(place.offset, 'no value can lie there');
  const start = place.offset - bytes.readUInt32LE(backAt);
  if (start < 0) throw corrupt(place.offset, 'no value can lie there');
  return start;
}

function corrupt(at: number, why: string): DataQuarantineError {
  return new DataQuarantineError('DQ_STORAGE_CORRUPT', `the frame at byte ${at} of a segment cannot be read: ${why}`);
}

/** A key for a new segment: `<topic>/<yyyy>/<mm>/<dd>/<ULID>.seg`, the day in UTC. It was never given before and never will be. */
export function segmentKey(topic: string, nowMs: number): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '/');
  return `${topic}/${day}/${ulid(nowMs)}.seg`;
}

/** `KEY#OFFSET+LENGTH`. A topic's name cannot hold a `#`, so neither can a key. */
export function formatStoragePath(key: string, place: ValuePlace): string {
  return `${key}#${place.offset}+${place.length}`;
}

/** Takes apart what {@link formatStoragePath} made. Throws `DQ_STORAGE_CORRUPT` for anything else. */
export function parseStoragePath(path: string): { key: string; place: ValuePlace } {
  const match = /^([^#]+)#(\d+)\+(\d+)$/.exec(path);
  if (!match) throw new DataQuarantineError('DQ_STORAGE_CORRUPT', `a storage path must read KEY#OFFSET+LENGTH; this one does not: ${path}`);
  const [, key = '', offset, length] = match;
  return { key, place: { offset: Number(offset), length: Number(length) } };
}

function readInt64(from: Buffer, at: number): number {
  return from.readInt32LE(at + 4) * twoTo32 + from.readUInt32LE(at);
}
