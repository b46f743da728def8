import { assert } from '../lib/assert.ts';
import { type Header, packedBytes, packHeaders, unpackHeaders } from './header.ts';

/** Int32 words of one row. The layout is shared with the native lane: append, never reorder. */
export const rowWords = 16;
/** Where each column lies in a row. 64-bit columns take two words, low one first. */
export const column = {
  offset: 0,
  timestamp: 2,
  partition: 4,
  /** Index into the batch's topics. */
  topic: 5,
  /** Positions count from the start of the byte region; a length of -1 is null. */
  valueAt: 6,
  valueBytes: 7,
  keyAt: 8,
  keyBytes: 9,
  headersAt: 10,
  headersBytes: 11,
  /** The assignment epoch of the partition when the message was consumed. */
  epoch: 12,
} as const;

/**
 * The answer for one row, one byte a row. `pending` and `refused` must be gone when a batch is routed: the native judge leaves them to
 * the other one, `refused` where it would say no. The flood breaker makes `pointer` of a faulty row whose payload stays in the source,
 * and `withheld` of a row of any kind that must not go on for now.
 */
export const answer = { pending: 0, valid: 1, faulty: 2, tombstone: 3, refused: 4, pointer: 5, withheld: 6 } as const;

/** simdjson reads up to this many bytes past a value; they belong to the slab. */
const paddingBytes = 64;

/** What a slab is made of; the whole of it crosses to a worker as one handle. */
export interface SlabWire {
  readonly memory: SharedArrayBuffer;
  readonly rowsMax: number;
}

/** What {@link Slab.append} takes. `value` null is a tombstone; `key` null is not empty. */
export interface MessageParts {
  readonly offset: number;
  readonly timestamp: number;
  readonly partition: number;
  readonly topic: number;
  readonly epoch: number;
  readonly value: Uint8Array | null;
  readonly key: Uint8Array | null;
  readonly headers: readonly Header[];
}

/** What {@link Slab.add} takes: a row whose bytes are in place. A length of -1 is null. */
export interface RowParts {
  readonly offset: number;
  readonly timestamp: number;
  readonly partition: number;
  readonly topic: number;
  readonly epoch: number;
  readonly valueBytes: number;
  readonly keyBytes: number;
  readonly headersBytes: number;
}

/**
 * One block of shared memory that holds the messages of one batch: a table of rows, one answer byte and one schema number a row,
 * and the packed bytes. The main thread owns it from the first message until nobody reads the batch's messages there any more; a worker only reads bytes and
 * writes answers and schema numbers meanwhile. What does not fit is refused, and the caller carries it to the next slab.
 */
export class Slab {
  readonly memory: SharedArrayBuffer;
  readonly rowsMax: number;
  readonly rows: Int32Array;
  readonly answers: Uint8Array;
  /** Index of the schema version in the catalog that judged the row, -1 for none. */
  readonly schemas: Int32Array;
  readonly bytes: Buffer;
  count = 0;
  bytesUsed = 0;

  private constructor(memory: SharedArrayBuffer, rowsMax: number) {
    const rowsBytes = rowsMax * rowWords * 4;
    this.memory = memory;
    this.rowsMax = rowsMax;
    this.rows = new Int32Array(memory, 0, rowsMax * rowWords);
    this.schemas = new Int32Array(memory, rowsBytes, rowsMax);
    this.answers = new Uint8Array(memory, rowsBytes + rowsMax * 4, rowsMax);
    this.bytes = Buffer.from(memory as unknown as ArrayBuffer, rowsBytes + rowsMax * 8);
  }

  /** A new slab with room for `rowsMax` messages of `bytesMax` bytes in all. */
  static allocate(rowsMax: number, bytesMax: number): Slab {
    return new Slab(new SharedArrayBuffer(rowsMax * (rowWords * 4 + 8) + bytesMax + paddingBytes), rowsMax);
  }

  /** The same memory, seen from another thread. `count` travels apart. */
  static attach(wire: SlabWire, count: number): Slab {
    const slab = new Slab(wire.memory, wire.rowsMax);
    slab.count = count;
    return slab;
  }

  toWire(): SlabWire {
    return { memory: this.memory, rowsMax: this.rowsMax };
  }

  /** Bytes that a message takes in the byte region of a slab. */
  static bytesOf(parts: Pick<MessageParts, 'value' | 'key' | 'headers'>): number {
    return (parts.value?.length ?? 0) + (parts.key?.length ?? 0) + packedBytes(parts.headers);
  }

  get bytesMax(): number {
    return this.bytes.length - paddingBytes;
  }

  reset(): void {
    this.answers.fill(answer.pending, 0, this.count);
    this.count = 0;
    this.bytesUsed = 0;
  }

  /** Is there a row left, and room for so many bytes behind {@link bytesUsed}? */
  hasRoom(bytes: number): boolean {
    return this.count < this.rowsMax && this.bytesUsed + bytes <= this.bytesMax;
  }

  /** Copies a message in. False, with nothing changed, when rows or bytes do not suffice. */
  append(parts: MessageParts): boolean {
    if (!this.hasRoom(Slab.bytesOf(parts))) return false;
    const { value, key, headers } = parts;
    const { bytes } = this;
    let position = this.bytesUsed;
    if (value) bytes.set(value, position);
    position += value?.length ?? 0;
    if (key) bytes.set(key, position);
    position += key?.length ?? 0;
    const headersBytes = headers.length > 0 ? packHeaders(headers, bytes, position) - position : 0;
    const { offset, timestamp, partition, topic, epoch } = parts;
    const valueBytes = value ? value.length : -1;
    this.add({ offset, timestamp, partition, topic, epoch, valueBytes, keyBytes: key ? key.length : -1, headersBytes });
    return true;
  }

  /** Copies a row of another slab in, with its answer, under that number of a topic. False, with nothing changed, when it does not fit. */
  appendFrom(other: Slab, row: number, topic: number): boolean {
    const bytes = other.messageBytes(row);
    if (!this.hasRoom(bytes)) return false;
    const at = other.#word(row, column.valueAt);
    other.bytes.copy(this.bytes, this.bytesUsed, at, at + bytes);
    this.add({
      offset: other.offset(row),
      timestamp: other.timestamp(row),
      partition: other.partition(row),
      topic,
      epoch: other.epoch(row),
      valueBytes: other.valueBytes(row),
      keyBytes: other.#word(row, column.keyBytes),
      headersBytes: other.#word(row, column.headersBytes),
    });
    this.answers[this.count - 1] = other.answers[row] as number;
    return true;
  }

  /** Makes a row of what was written behind {@link bytesUsed}: value, key and packed headers, one after another. */
  add(parts: RowParts): void {
    assert(this.count < this.rowsMax, 'a row was added to a full slab');
    const { rows } = this;
    const at = this.count * rowWords;
    writeInt64(rows, at + column.offset, parts.offset);
    writeInt64(rows, at + column.timestamp, parts.timestamp);
    rows[at + column.partition] = parts.partition;
    rows[at + column.topic] = parts.topic;
    rows[at + column.epoch] = parts.epoch;
    const keyAt = this.bytesUsed + Math.max(0, parts.valueBytes);
    const headersAt = keyAt + Math.max(0, parts.keyBytes);
    rows[at + column.valueAt] = this.bytesUsed;
    rows[at + column.valueBytes] = parts.valueBytes;
    rows[at + column.keyAt] = keyAt;
    rows[at + column.keyBytes] = parts.keyBytes;
    rows[at + column.headersAt] = headersAt;
    rows[at + column.headersBytes] = parts.headersBytes;
    this.bytesUsed = headersAt + parts.headersBytes;
    this.schemas[this.count] = -1;
    this.answers[this.count] = answer.pending;
    this.count += 1;
  }

  offset(row: number): number {
    return readInt64(this.rows, row * rowWords + column.offset);
  }

  timestamp(row: number): number {
    return readInt64(this.rows, row * rowWords + column.timestamp);
  }

  partition(row: number): number {
    return this.#word(row, column.partition);
  }

  topic(row: number): number {
    return this.#word(row, column.topic);
  }

  epoch(row: number): number {
    return this.#word(row, column.epoch);
  }

  /** A view of the value's bytes, null for a tombstone. Valid until the slab is reset. */
  value(row: number): Buffer | null {
    return this.#view(row, column.valueAt, column.valueBytes);
  }

  valueBytes(row: number): number {
    return this.#word(row, column.valueBytes);
  }

  /** Bytes of value, key and packed headers together. */
  messageBytes(row: number): number {
    return this.#word(row, column.headersAt) + this.#word(row, column.headersBytes) - this.#word(row, column.valueAt);
  }

  key(row: number): Buffer | null {
    return this.#view(row, column.keyAt, column.keyBytes);
  }

  /** The headers as packed by {@link packHeaders}, ready for a segment frame. */
  packedHeaders(row: number): Buffer {
    // Most messages have none, and making a view costs more than asking.
    if (this.#word(row, column.headersBytes) === 0) return noHeaders;
    return this.#view(row, column.headersAt, column.headersBytes) as Buffer;
  }

  headers(row: number): Header[] {
    return this.#word(row, column.headersBytes) === 0 ? [] : unpackHeaders(this.packedHeaders(row));
  }

  #word(row: number, at: number): number {
    const word = this.rows[row * rowWords + at];
    assert(word !== undefined, 'a row beyond the slab was asked for');
    return word;
  }

  #view(row: number, at: number, length: number): Buffer | null {
    const bytes = this.#word(row, length);
    if (bytes < 0) return null;
    const start = this.#word(row, at);
    return this.bytes.subarray(start, start + bytes);
  }
}

const noHeaders = Buffer.alloc(0);
const twoTo32 = 2 ** 32;

function writeInt64(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / twoTo32);
}

function readInt64(words: Int32Array, at: number): number {
  return (words[at + 1] as number) * twoTo32 + ((words[at] as number) >>> 0);
}
