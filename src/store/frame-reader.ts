import { hash } from 'node:crypto';
import { DataQuarantineError } from '../lib/errors.ts';
import { decodeFrame, type Frame, parseStoragePath, type ValuePlace } from './segment.ts';

/** What frames are read from: an object store. */
export interface SegmentSource {
  read(key: string, offset: number, length: number): Promise<Buffer>;
}

/** A stored value to read, and the hash that it must have. */
export interface Stored {
  readonly storagePath: string;
  readonly payloadSha256: Buffer;
}

interface Wanted {
  readonly index: number;
  readonly place: ValuePlace;
}

/** Records of one cause lie close to each other: what is nearer than this is read with one call. */
const gapBytesMax = 64 * 2 ** 10;
const stretchBytesMax = 4 * 2 ** 20;
/** More than the head, the key and the headers of nearly all messages. What has more is read a second time. */
const headBytesLikely = 4 * 2 ** 10;
const backBytes = 4;
const readsMax = 8;

/**
 * Reads stored messages back, key, headers and timestamp too, in the order in which they are asked for. What cannot be read or has
 * another hash is the error `DQ_STORAGE_CORRUPT` in its place; that the store is away is thrown.
 */
export async function readFrames(source: SegmentSource, stored: readonly Stored[]): Promise<(Frame | DataQuarantineError)[]> {
  const frames = new Array<Frame | DataQuarantineError>(stored.length);
  const stretches = stretchesOf(stored, frames);
  const readNext = async () => {
    for (let stretch = stretches.pop(); stretch; stretch = stretches.pop()) await readStretch(source, stretch, stored, frames);
  };
  await Promise.all(Array.from({ length: readsMax }, readNext));
  return frames;
}

interface Stretch {
  readonly key: string;
  readonly wanted: Wanted[];
}

function stretchesOf(stored: readonly Stored[], frames: (Frame | DataQuarantineError)[]): Stretch[] {
  const byKey = new Map<string, Wanted[]>();
  for (const [index, { storagePath }] of stored.entries()) {
    try {
      const { key, place } = parseStoragePath(storagePath);
      byKey.set(key, [...(byKey.get(key) ?? []), { index, place }]);
    } catch (error) {
      frames[index] = corruptOnly(error);
    }
  }
  return [...byKey].flatMap(([key, wanted]) => {
    const stretches: Stretch[] = [];
    for (const one of wanted.sort((a, b) => a.place.offset - b.place.offset)) {
      const stretch = stretches.at(-1);
      const [first, last] = [stretch?.wanted[0], stretch?.wanted.at(-1)];
      const joins = first && last && one.place.offset - endOf(last) < gapBytesMax && endOf(one) - first.place.offset < stretchBytesMax;
      if (stretch && joins) stretch.wanted.push(one);
      else stretches.push({ key, wanted: [one] });
    }
    return stretches;
  });
}

function endOf({ place }: Wanted): number {
  return place.offset + place.length;
}

async function readStretch(
  source: SegmentSource,
  { key, wanted }: Stretch,
  stored: readonly Stored[],
  frames: (Frame | DataQuarantineError)[],
): Promise<void> {
  const from = Math.max(0, (wanted[0] as Wanted).place.offset - headBytesLikely);
  const to = endOf(wanted.at(-1) as Wanted);
  let bytes: Buffer;
  try {
    bytes = await source.read(key, from, to - from);
  } catch (error) {
    const lost = corruptOnly(error);
    for (const { index } of wanted) frames[index] = lost;
    return;
  }
  for (const { index, place } of wanted) {
    try {
      frames[index] = checked(await frameAt(source, { key, from, bytes }, place), stored[index] as Stored);
    } catch (error) {
      frames[index] = corruptOnly(error);
    }
  }
}

/** The four bytes before a value say how far back its frame starts. */
async function frameAt(source: SegmentSource, read: { key: string; from: number; bytes: Buffer }, place: ValuePlace): Promise<Frame> {
  const valueAt = place.offset - read.from;
  if (valueAt < backBytes) throw corrupt('no value can lie there');
  const start = valueAt - read.bytes.readUInt32LE(valueAt - backBytes);
  if (start >= 0) return decodeFrame(read.bytes.subarray(0, valueAt + place.length), start);
  const frameFrom = read.from + start;
  if (frameFrom < 0) throw corrupt('no value can lie there');
  return decodeFrame(await source.read(read.key, frameFrom, place.offset + place.length - frameFrom), 0);
}

function checked(frame: Frame, { payloadSha256 }: Stored): Frame {
  if (hash('sha256', frame.value, 'buffer').equals(payloadSha256)) return frame;
  throw corrupt('the value has another hash than its row');
}

function corrupt(why: string): DataQuarantineError {
  return new DataQuarantineError('DQ_STORAGE_CORRUPT', `a stored message cannot be read: ${why}`);
}

/** The error as an answer if it says that this message is lost; any other one is thrown. */
function corruptOnly(error: unknown): DataQuarantineError {
  if (error instanceof DataQuarantineError && error.code === 'DQ_STORAGE_CORRUPT') return error;
  throw error;
}
