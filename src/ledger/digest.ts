import { hash } from 'node:crypto';
import type { Header } from '../model/header.ts';

/** What of a record counts in the ledger: all that must arrive unchanged in the valid topic. */
export interface LedgerRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** What is left out of a digest, as bits. */
export const leftOut = { nothing: 0, key: 1, timestamp: 2 } as const;

/** 128 bits, as four unsigned words. */
export type Digest = Uint32Array;

const fixedBytes = 1 + 8 + 4 + 4;

/**
 * Digests records for comparison: the first 128 bits of SHA-256, so that not even somebody who writes the source topic can make
 * two records that pass for one another. A null key or value is not an empty one. A null header value *is* taken for an empty one,
 * because the official client cannot tell them apart.
 */
export class Digester {
  #scratch = Buffer.alloc(64 * 1024);
  readonly #words = new Uint32Array(4);

  /** The words are overwritten by the next call. */
  digest(record: LedgerRecord, without: number): Digest {
    const text = hash('sha256', this.#pack(record, without), 'binary');
    for (let word = 0; word < 4; word++) {
      const at = word * 4;
      this.#words[word] =
        text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8) | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24);
    }
    return this.#words;
  }

  #pack({ key, value, headers, timestamp }: LedgerRecord, without: number): Buffer {
    const keyed = (without & leftOut.key) === 0 ? key : null;
    this.#ensure(fixedBytes + (keyed?.length ?? 0) + (value?.length ?? 0) + headersBytes(headers));
    const scratch = this.#scratch;
    let at = scratch.writeUInt8(without, 0);
    at = scratch.writeDoubleLE((without & leftOut.timestamp) === 0 ? timestamp : 0, at);
    at = writeBytes(scratch, keyed, at);
    at = writeBytes(scratch, value, at);
    for (const header of headers) {
      const nameBytes = scratch.write(header.name, at + 4);
      at = scratch.writeInt32LE(nameBytes, at) + nameBytes;
      at = writeBytes(scratch, header.value ?? nothing, at);
    }
    return scratch.subarray(0, at);
  }

  #ensure(bytes: number): void {
    if (bytes > this.#scratch.length) this.#scratch = Buffer.alloc(2 * bytes);
  }
}

const nothing = Buffer.alloc(0);

function headersBytes(headers: readonly Header[]): number {
  let bytes = 0;
  for (const { name, value } of headers) bytes += 8 + Buffer.byteLength(name) + (value?.length ?? 0);
  return bytes;
}

function writeBytes(into: Buffer, bytes: Buffer | null, at: number): number {
  const start = into.writeInt32LE(bytes?.length ?? -1, at);
  return start + (bytes?.copy(into, start) ?? 0);
}
