import { createHash } from 'node:crypto';
import { DataQuarantineError } from '../lib/errors.ts';
import { decodeFrame, type Frame, parseStoragePath } from './segment.ts';

/** The object store, as far as reading goes. */
export interface PayloadSource {
  read(key: string, offset: number, length: number): Promise<Buffer>;
}

/** How a row names its payload. */
export interface PayloadPlace {
  readonly id: string;
  readonly storage_path: string;
  readonly payload_sha256: Buffer;
}

const backBytes = 4;

/** A record's value as it came. Throws `DQ_STORAGE_CORRUPT` if the store no longer holds it, or holds something else. */
export async function readPayload(
  storage: PayloadSource,
  { id, storage_path: path, payload_sha256: sha256 }: PayloadPlace,
): Promise<Buffer> {
  const { key, place } = parseStoragePath(path);
  const value = place.length === 0 ? Buffer.alloc(0) : await storage.read(key, place.offset, place.length);
  if (createHash('sha256').update(value).digest().equals(sha256)) return value;
  throw new DataQuarantineError('DQ_STORAGE_CORRUPT', `the payload of ${id} is not what was stored: its hash does not fit`);
}

/** A record's whole frame: key, headers, timestamp and value. Throws as {@link readPayload} does. */
export async function readFrame(storage: PayloadSource, { storage_path: path }: PayloadPlace): Promise<Frame> {
  const { key, place } = parseStoragePath(path);
  const back = await storage.read(key, place.offset - backBytes, backBytes);
  const headBytes = back.readUInt32LE(0);
  const start = place.offset - headBytes;
  if (start < 0) throw new DataQuarantineError('DQ_STORAGE_CORRUPT', `the frame of ${path} begins before its segment does`);
  return decodeFrame(await storage.read(key, start, headBytes + place.length), 0);
}
