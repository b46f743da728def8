import { hash } from 'node:crypto';
import type { Quarantined } from '../../model/record.ts';
import { answer, type Slab } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';
import type { Load } from './load.ts';

/** Gives the record id of a source message (see `store/record-id.ts`). */
export type Identify = (topic: string, partition: number, offset: number) => string;

const noValue = Buffer.alloc(0);
const digestBytes = 32;

/** What the records of one load share. Memory of its own for each record's digest would be dear to make and to collect. */
interface Shared {
  readonly slab: Slab;
  readonly digests: Buffer;
  readonly nowMs: number;
}

/**
 * A message of a load as a record. What it can look up in the slab it does not keep: a load waits for its stores with thousands of records,
 * and the collector moves all that lives that long.
 */
class LoadedRecord implements Quarantined {
  readonly id: string;
  readonly topic: string;
  readonly key: Buffer | null;
  /** A tombstone that the valid topic refuses has no value; it is kept as an empty one. */
  readonly value: Buffer;
  readonly fault: Fault;
  readonly isJson: boolean | undefined;
  readonly #shared: Shared;
  readonly #row: number;

  constructor({ topics, faults, areJson }: Load, row: number, { shared, identify }: { shared: Shared; identify: Identify }) {
    const { slab, digests } = shared;
    this.#shared = shared;
    this.#row = row;
    this.topic = topics[slab.topic(row)] as string;
    this.key = slab.key(row);
    this.value = slab.value(row) ?? noValue;
    this.fault = faults[row] as Fault;
    this.isJson = areJson[row];
    this.id = identify(this.topic, this.partition, this.offset);
    digests.write(hash('sha256', this.value, 'binary'), row * digestBytes, 'latin1');
  }

  get partition(): number {
    return this.#shared.slab.partition(this.#row);
  }

  get offset(): number {
    return this.#shared.slab.offset(this.#row);
  }

  get timestamp(): number {
    return this.#shared.slab.timestamp(this.#row);
  }

  get packedHeaders(): Buffer {
    return this.#shared.slab.packedHeaders(this.#row);
  }

  get isPointer(): boolean {
    return this.#shared.slab.answers[this.#row] === answer.pointer;
  }

  get payloadSha256(): Buffer {
    const start = this.#row * digestBytes;
    return this.#shared.digests.subarray(start, start + digestBytes);
  }

  get quarantinedAt(): number {
    return this.#shared.nowMs;
  }
}

/** The messages of a load with all that quarantine keeps of them, for as long as the load's slab holds their bytes. */
export function quarantined(load: Load, identify: Identify, nowMs: number): Quarantined[] {
  const { slab } = load;
  const shared: Shared = { slab, digests: Buffer.allocUnsafeSlow(slab.count * digestBytes), nowMs };
  return Array.from({ length: slab.count }, (_, row) => new LoadedRecord(load, row, { shared, identify }));
}
