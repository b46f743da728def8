import { DataQuarantineError } from '../lib/errors.ts';
import { decodeFrame, type Frame, parseStoragePath } from './segment.ts';

/** The object store, as far as reading goes. */
export interface PayloadSource {
  read(key: string, offset: number, length: number): Promise<Buffer>;
}

const backBytes = 4;

/** The frame behind a storage path, unchecked: key, headers, timestamp and value. Throws `DQ_STORAGE_CORRUPT` if there is none. */
export async function readFrame(storage: PayloadSource, path: string): Promise<Frame> {
  const { key, place } = parseStoragePath(path);
  const back = await storage.read(key, place.offset - backBytes, backBytes);
  const headBytes = back.readUInt32LE(0);
  const start = place.offset - headBytes;
  if (start < 0) throw new DataQuarantineError('DQ_STORAGE_CORRUPT', `the frame of ${path} begins before its segment does`);
  return decodeFrame(await storage.read(key, start, headBytes + place.length), 0);
}
