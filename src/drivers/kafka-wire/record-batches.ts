import { crc32c, DynamicBuffer } from '@platformatic/kafka';
import type { Header } from '../../model/header.ts';
import { unpack, unreadable } from './compression.ts';

/** A record as it lies in the log. The buffers are views of the bytes that were fetched: keep a copy, not the view. */
export interface WireRecord {
  readonly offset: number;
  /** Milliseconds since 1970; the time of appending where the topic says so, -1 for none. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

/** A transaction that was aborted: what this producer wrote from that offset on, up to its next marker, was never meant to be. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly offsetFirst: number;
}

/** Which records are wanted. */
export interface Wanted {
  /** Offsets from here on, and before there. */
  readonly from: number;
  readonly to: number;
  /** Transactions whose records are left out. */
  readonly aborted?: readonly AbortedTransaction[];
}

export interface DecodedBatches {
  readonly records: readonly WireRecord[];
  /** Where to go on: one past the last whole batch, null where there was none. Compaction and markers leave gaps in offsets. */
  readonly offsetNext: number | null;
}

/** The head of a record batch of format 2, by position (https://kafka.apache.org/documentation/#recordbatch). Big-endian. */
const head = {
  bytes: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  timestampFirst: 27,
  timestampMax: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** What the length in a batch's head does not count: the base offset and the length itself. */
const uncountedBytes = 12;
const attribute = { codec: 0b111, logAppendTime: 0b1000, transactional: 0b10000, control: 0b100000 } as const;
const noHeaders: readonly Header[] = [];

/**
 * Decodes the batches of a fetch response, keeping the records of [from, to). Straight from the log's own format, because the
 * library's reader drops the kind of timestamp and costs ten times as much. Transaction markers are not records and are left out;
 * a batch that the broker cut off at its byte limit is left for the next fetch.
 */
export function decodeBatches(bytes: Buffer, { from, to, aborted = [] }: Wanted): DecodedBatches {
  const records: WireRecord[] = [];
  const transactions = new Transactions(aborted);
  let offsetNext: number | null = null;
  for (let at = 0; at + head.crc <= bytes.length; ) {
    const end = at + uncountedBytes + bytes.readInt32BE(at + head.bytes);
    if (end > bytes.length) break;
    const magic = bytes.readInt8(at + head.magic);
    if (magic !== 2) throw unreadable(`it has format ${magic}, and formats before 2 ended with Kafka 0.11`);
    // The library's checksum copies a plain buffer before it reads it, and its own kind of buffer not.
    const checksum = crc32c(new DynamicBuffer(bytes.subarray(at + head.attributes, end)));
    if (checksum !== bytes.readUInt32BE(at + head.crc)) throw unreadable('its checksum does not fit its bytes');
    const batch = bytes.subarray(at, end);
    if (transactions.takes(batch)) decodeBatch(batch, from, to, records);
    offsetNext = int64(bytes, at) + bytes.readInt32BE(at + head.lastOffsetDelta) + 1;
    at = end;
  }
  return { records, offsetNext };
}

function decodeBatch(batch: Buffer, from: number, to: number, into: WireRecord[]): void {
  const attributes = batch.readInt16BE(head.attributes);
  if ((attributes & attribute.control) !== 0) return;
  const offsetFirst = int64(batch, 0);
  if (offsetFirst >= to) return;
  const timestampFirst = int64(batch, head.timestampFirst);
  const appendedAt = (attributes & attribute.logAppendTime) === 0 ? null : int64(batch, head.timestampMax);
  const cursor = new Cursor(unpack(attributes & attribute.codec, batch.subarray(head.records)));
  for (let left = batch.readInt32BE(head.count); left > 0; left--) {
    const bytes = cursor.varint();
    const end = cursor.at + bytes;
    cursor.at += 1;
    const timestampDelta = cursor.varint();
    const offset = offsetFirst + cursor.varint();
    if (offset >= from && offset < to) {
      const timestamp = appendedAt ?? timestampFirst + timestampDelta;
      into.push({ offset, timestamp, key: cursor.bytes(), value: cursor.bytes(), headers: cursor.headers() });
    }
    cursor.at = end;
  }
}

/** Tells batches of aborted transactions from the others; it must see all batches in their order. */
class Transactions {
  /** By the offsets at which they begin. */
  readonly #later: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#later = aborted.toSorted((a, b) => a.offsetFirst - b.offsetFirst);
  }

  takes(batch: Buffer): boolean {
    const attributes = batch.readInt16BE(head.attributes);
    const offsetLast = int64(batch, 0) + batch.readInt32BE(head.lastOffsetDelta);
    for (let next = this.#later[0]; next && next.offsetFirst <= offsetLast; next = this.#later[0]) {
      this.#open.add(next.producerId);
      this.#later.shift();
    }
    const producerId = batch.readBigInt64BE(head.producerId);
    if ((attributes & attribute.control) !== 0) {
      // A marker ends what is open of its producer; the next transaction of the same one may be committed.
      this.#open.delete(producerId);
      return true;
    }
    return (attributes & attribute.transactional) === 0 || !this.#open.has(producerId);
  }
}

/** Reads the varints (zigzag, up to 64 bits) and the byte strings of records. */
class Cursor {
  at = 0;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  varint(): number {
    const buffer = this.#buffer;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = buffer[this.at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    return this.#longVarint(value);
  }

  /** Past 28 bits, where shifts of numbers end; only far timestamps and the largest values come here. */
  #longVarint(low: number): number {
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#buffer[this.at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n)));
    }
    throw unreadable('a number in it does not end');
  }

  /** A length and so many bytes; a negative length is null. */
  bytes(): Buffer | null {
    const bytes = this.varint();
    if (bytes < 0) return null;
    const start = this.at;
    this.at += bytes;
    if (this.at > this.#buffer.length) throw unreadable('a record in it ends early');
    return this.#buffer.subarray(start, this.at);
  }

  headers(): readonly Header[] {
    const count = this.varint();
    if (count <= 0) return noHeaders;
    const headers: Header[] = [];
    for (let index = 0; index < count; index++) {
      const nameBytes = this.varint();
      const start = this.at;
      this.at += nameBytes;
      headers.push({ name: this.#buffer.toString('utf8', start, this.at), value: this.bytes() });
    }
    return headers;
  }
}

function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
