import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { Slab } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';

/**
 * Bad messages of several batches that are kept together, as rows of a slab of their own: they wait for stores, and the slabs that they came
 * in are wanted by the next messages meanwhile.
 */
export class Load {
  readonly slab: Slab;
  /** The source topics that the rows' topic column points into. */
  readonly topics: string[] = [];
  /** Why each row is here. */
  readonly faults: Fault[] = [];
  /** Is the row's value JSON? Undefined where the fault's type says it, or nobody has looked. */
  readonly areJson: (boolean | undefined)[] = [];
  /** All of it is durable. */
  readonly kept: Deferred = createDeferred();

  constructor(slab: Slab) {
    this.slab = slab;
  }

  get isFull(): boolean {
    return this.slab.count === this.slab.rowsMax;
  }

  /** Copies a message in. False, with nothing changed, where it does not fit. */
  add({ slab, topics }: Batch, { row, fault, isJson }: Reject): boolean {
    const topic = topics[slab.topic(row)];
    assert(topic !== undefined, 'a message names a topic that its batch does not know');
    const known = this.topics.indexOf(topic);
    if (!this.slab.appendFrom(slab, row, known < 0 ? this.topics.length : known)) return false;
    if (known < 0) this.topics.push(topic);
    this.faults.push(fault);
    this.areJson.push(isJson);
    return true;
  }
}
