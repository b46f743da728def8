import { hash } from 'node:crypto';
import type { Quarantined } from '../model/record.ts';
import type { Fault } from '../model/verdict.ts';
import { decodeFrame, encodeSegment } from './segment.ts';

/** What of a record its segment frame does not hold. */
interface Rest {
  readonly id: string;
  readonly topic: string;
  readonly quarantinedAt: number;
  readonly fault: Fault;
  readonly isJson?: boolean | undefined;
}

/**
 * A record as it waits in the spool: a uint32 length (little-endian), so many bytes of JSON with id, topic, time and cause, then the
 * frame that a segment would hold. All that quarantine needs of the source is in it, so the source may be gone by then:
 * what a flood would have left there is stored whole.
 */
export function encodeSpooled(record: Quarantined): Buffer {
  const { id, topic, quarantinedAt, fault, isJson } = record;
  const rest: Rest = { id, topic, quarantinedAt, fault, isJson };
  const text = Buffer.from(JSON.stringify(rest));
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32LE(text.length);
  return Buffer.concat([head, text, encodeSegment([record]).bytes]);
}

/** Reads what {@link encodeSpooled} wrote. The buffers are views. Throws `DQ_STORAGE_CORRUPT` for a frame that is none. */
export function decodeSpooled(bytes: Buffer): Quarantined {
  const frameAt = 4 + bytes.readUInt32LE(0);
  const rest = JSON.parse(bytes.toString('utf8', 4, frameAt)) as Rest;
  const { partition, offset, timestamp, key, packedHeaders, value } = decodeFrame(bytes, frameAt);
  return { ...rest, partition, offset, timestamp, key, packedHeaders, value, payloadSha256: hash('sha256', value, 'buffer') };
}
