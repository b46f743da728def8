import { crc32 } from 'node:zlib';

/**
 * A spool file is frames, one after another, and nothing else. A frame, little-endian:
 *
 * | at | type | |
 * | --- | --- | --- |
 * | 0 | 4 bytes | `DQS` and the version of the format, 1 |
 * | 4 | uint32 | bytes of the record |
 * | 8 | uint32 | CRC-32 of the record |
 * | 12 | uint32 | CRC-32 of the 12 bytes before |
 * | 16 | | the record |
 *
 * Both checksums start from the file's salt, which nobody who writes a message knows: what looks like a frame inside a record is none.
 */
const magic = Buffer.from([0x44, 0x51, 0x53, 1]);
export const frameHeadBytes = 16;

/** `torn`: a frame that a crash left half written, at the end. `damaged`: bytes that were whole once and are not any more. */
export interface SpoolDamage {
  readonly kind: 'torn' | 'damaged';
  /** Where in the file it lies: from the first byte to the one behind the last. */
  readonly from: number;
  readonly to: number;
}

export interface DecodedFrames {
  /** The records that are whole, in order. They are views. */
  readonly records: readonly Buffer[];
  readonly damages: readonly SpoolDamage[];
}

/** The frame of a record in two parts: its head and the record itself, uncopied. */
export function encodeFrame(record: Buffer, salt: number): [Buffer, Buffer] {
  const head = Buffer.allocUnsafe(frameHeadBytes);
  magic.copy(head);
  head.writeUInt32LE(record.length, 4);
  head.writeUInt32LE(crc32(record, salt), 8);
  head.writeUInt32LE(crc32(head.subarray(0, 12), salt), 12);
  return [head, record];
}

/** Reads a whole file. Where a frame is not as it was written, the next whole one is looked for, and what lies between is damage. */
export function decodeFrames(bytes: Buffer, salt: number): DecodedFrames {
  const records: Buffer[] = [];
  const damages: SpoolDamage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = frameEnd(bytes, at, salt);
    if (end > 0) {
      records.push(bytes.subarray(at + frameHeadBytes, end));
      at = end;
      continue;
    }
    const next = nextFrame(bytes, at + 1, salt);
    damages.push({ kind: next === bytes.length && isTorn(bytes, at, salt) ? 'torn' : 'damaged', from: at, to: next });
    at = next;
  }
  return { records, damages };
}

/** Where the frame that starts at `at` ends, 0 if there is no whole one. */
function frameEnd(bytes: Buffer, at: number, salt: number): number {
  if (!isHead(bytes, at, salt)) return 0;
  const end = at + frameHeadBytes + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return 0;
  return crc32(bytes.subarray(at + frameHeadBytes, end), salt) === bytes.readUInt32LE(at + 8) ? end : 0;
}

function isHead(bytes: Buffer, at: number, salt: number): boolean {
  if (at + frameHeadBytes > bytes.length || magic.compare(bytes, at, at + magic.length) !== 0) return false;
  return crc32(bytes.subarray(at, at + 12), salt) === bytes.readUInt32LE(at + 12);
}

function nextFrame(bytes: Buffer, from: number, salt: number): number {
  for (let at = bytes.indexOf(magic, from); at >= 0; at = bytes.indexOf(magic, at + 1)) if (frameEnd(bytes, at, salt) > 0) return at;
  return bytes.length;
}

/** Is the rest of the file one frame that was cut off, or space that the file system gave and nobody wrote to? */
function isTorn(bytes: Buffer, at: number, salt: number): boolean {
  const rest = bytes.subarray(at);
  if (isHead(bytes, at, salt)) return at + frameHeadBytes + bytes.readUInt32LE(at + 4) > bytes.length;
  const begun = Math.min(rest.length, magic.length);
  return (rest.length < frameHeadBytes && magic.compare(rest, 0, begun, 0, begun) === 0) || rest.every((byte) => byte === 0);
}
