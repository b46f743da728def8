import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { Quarantined } from '../../model/record.ts';

/** Gives the record id of a source message (see `store/record-id.ts`). */
export type Identify = (topic: string, partition: number, offset: number) => string;

/** The rejects of one batch. */
export interface RejectsOf {
  readonly batch: Batch;
  readonly rejects: readonly Reject[];
}

const noValue = Buffer.alloc(0);
const digestBytes = 32;

/** Rejects with all that quarantine keeps of them. Their buffers are views into the batches' slabs. */
export function quarantined(items: readonly RejectsOf[], identify: Identify, nowMs: number): Quarantined[] {
  // The digests share their memory: a Buffer of its own for each is dear to make and to collect.
  const digests = Buffer.allocUnsafeSlow(items.reduce((sum, { rejects }) => sum + rejects.length, 0) * digestBytes);
  const records: Quarantined[] = [];
  for (const { batch, rejects } of items) {
    const { slab, topics } = batch;
    for (const { row, fault, isJson } of rejects) {
      const topic = topics[slab.topic(row)];
      assert(topic !== undefined, 'a message names a topic that its batch does not know');
      // A tombstone that the valid topic refuses has no value; it is kept as an empty one.
      const value = slab.value(row) ?? noValue;
      const [partition, offset] = [slab.partition(row), slab.offset(row)];
      const digestAt = records.length * digestBytes;
      digests.write(hash('sha256', value, 'binary'), digestAt, 'latin1');
      records.push({
        id: identify(topic, partition, offset),
        topic,
        partition,
        offset,
        timestamp: slab.timestamp(row),
        key: slab.key(row),
        value,
        packedHeaders: slab.packedHeaders(row),
        fault,
        isJson,
        payloadSha256: digests.subarray(digestAt, digestAt + digestBytes),
        quarantinedAt: nowMs,
      });
    }
  }
  return records;
}
