import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { Quarantined } from '../../model/record.ts';

/** Gives the record id of a source message (see `store/record-id.ts`). */
export type Identify = (topic: string, partition: number, offset: number) => string;

/** A reject with all that quarantine keeps of it. Its buffers are views into the batch's slab. */
export function quarantined(batch: Batch, { row, fault }: Reject, identify: Identify, nowMs: number): Quarantined {
  const { slab, topics } = batch;
  const topic = topics[slab.topic(row)];
  const value = slab.value(row);
  assert(topic !== undefined, 'a message names a topic that its batch does not know');
  // A tombstone that the valid topic refuses has no value; it is kept as an empty one.
  const payload = value ?? Buffer.alloc(0);
  const partition = slab.partition(row);
  const offset = slab.offset(row);
  return {
    id: identify(topic, partition, offset),
    topic,
    partition,
    offset,
    timestamp: slab.timestamp(row),
    key: slab.key(row),
    value: payload,
    packedHeaders: slab.packedHeaders(row),
    fault,
    payloadSha256: hash('sha256', payload, 'buffer'),
    quarantinedAt: nowMs,
  };
}
