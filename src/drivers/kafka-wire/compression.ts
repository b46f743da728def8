import { gunzipSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** A batch that unpacks to more is taken for a bomb. */
const unpackedBytesMax = 2 ** 30;

/** Unpacks the records of a batch; `codec` is the lowest three bits of the batch's attributes. */
export function unpack(codec: number, packed: Buffer): Buffer {
  const name = codecNames[codec];
  try {
    if (name === 'none') return packed;
    if (name === 'gzip') return gunzipSync(packed, { maxOutputLength: unpackedBytesMax });
    if (name === 'snappy') return unpackSnappy(packed);
    if (name === 'lz4') return compressionsAlgorithms.lz4.decompressSync(packed);
    if (name === 'zstd' && compressionsAlgorithms.zstd.available) return compressionsAlgorithms.zstd.decompressSync(packed);
  } catch (error) {
    throw unreadable(`its ${name} compression could not be undone: ${messageOf(error)}`);
  }
  if (name === 'zstd') throw unreadable('it is compressed with zstd, which Node.js reads from 22.15 on: run this command there');
  throw unreadable(`it is compressed with an unknown codec (${codec})`);
}

/** Snappy has no frames of its own: Java producers put blocks into the frames of snappy-java, librdkafka writes one bare block. */
const snappyJavaMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const snappyJavaHeadBytes = 16;

function unpackSnappy(packed: Buffer): Buffer {
  const { decompressSync } = compressionsAlgorithms.snappy;
  if (!packed.subarray(0, snappyJavaMagic.length).equals(snappyJavaMagic)) return decompressSync(packed);
  const blocks: Buffer[] = [];
  for (let at = snappyJavaHeadBytes; at < packed.length; ) {
    const blockBytes = packed.readInt32BE(at);
    blocks.push(decompressSync(packed.subarray(at + 4, at + 4 + blockBytes)));
    at += 4 + blockBytes;
  }
  return Buffer.concat(blocks);
}

export function unreadable(why: string): DataQuarantineError {
  return new DataQuarantineError('DQ_KAFKA_UNREADABLE', `A record batch cannot be read: ${why}.`);
}
