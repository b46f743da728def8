import { hash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { Quarantined } from '../../model/record.ts';
import { answer, type Slab } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';

/** Gives the record id of a source message (see `store/record-id.ts`). */
export type Identify = (topic: string, partition: number, offset: number) => string;

/** The rejects of one batch. */
export interface RejectsOf {
  readonly batch: Batch;
  readonly rejects: readonly Reject[];
}

const noValue = Buffer.alloc(0);
const digestBytes = 32;

/** What the records of one load share. Memory of its own for each record's digest would be dear to make and to collect. */
interface Load {
  readonly digests: Buffer;
  readonly nowMs: number;
}

/**
 * A reject as a record. What it can look up in the slab it does not keep: a load waits for its stores with thousands of records, and the
 * collector moves all that lives that long.
 */
class RejectedRecord implements Quarantined {
  readonly id: string;
  readonly topic: string;
  readonly key: Buffer | null;
  /** A tombstone that the valid topic refuses has no value; it is kept as an empty one. */
  readonly value: Buffer;
  readonly fault: Fault;
  readonly isJson: boolean | undefined;
  readonly #slab: Slab;
  readonly #row: number;
  readonly #load: Load;
  readonly #number: number;

  /** The record with that number in its load. */
  constructor({ batch, reject, identify }: RejectOf, load: Load, number: number) {
    const { row, fault, isJson } = reject;
    const topic = batch.topics[batch.slab.topic(row)];
    assert(topic !== undefined, 'a message names a topic that its batch does not know');
    this.#slab = batch.slab;
    this.#row = row;
    this.#load = load;
    this.#number = number;
    this.topic = topic;
    this.key = batch.slab.key(row);
    this.value = batch.slab.value(row) ?? noValue;
    this.fault = fault;
    this.isJson = isJson;
    this.id = identify(topic, this.partition, this.offset);
    load.digests.write(hash('sha256', this.value, 'binary'), number * digestBytes, 'latin1');
  }

  get partition(): number {
    return this.#slab.partition(this.#row);
  }

  get offset(): number {
    return this.#slab.offset(this.#row);
  }

  get timestamp(): number {
    return this.#slab.timestamp(this.#row);
  }

  get packedHeaders(): Buffer {
    return this.#slab.packedHeaders(this.#row);
  }

  get isPointer(): boolean {
    return this.#slab.answers[this.#row] === answer.pointer;
  }

  get payloadSha256(): Buffer {
    const start = this.#number * digestBytes;
    return this.#load.digests.subarray(start, start + digestBytes);
  }

  get quarantinedAt(): number {
    return this.#load.nowMs;
  }
}

interface RejectOf {
  readonly batch: Batch;
  readonly reject: Reject;
  readonly identify: Identify;
}

/** Rejects with all that quarantine keeps of them, for as long as the batches' slabs hold their bytes. */
export function quarantined(items: readonly RejectsOf[], identify: Identify, nowMs: number): Quarantined[] {
  const count = items.reduce((sum, { rejects }) => sum + rejects.length, 0);
  const load: Load = { digests: Buffer.allocUnsafeSlow(count * digestBytes), nowMs };
  const records: Quarantined[] = [];
  for (const { batch, rejects } of items)
    for (const reject of rejects) records.push(new RejectedRecord({ batch, reject, identify }, load, records.length));
  return records;
}
