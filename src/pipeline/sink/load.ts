import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import { Slab } from '../../model/slab.ts';
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
    // Whoever waits may still wait for room for the rest of its messages, and a failure must not end the process unheard.
    this.kept.promise.catch(() => {});
  }

  get isFull(): boolean {
    return this.slab.count === this.slab.rowsMax;
  }

  /** Copies a message in. False, with nothing changed, where it does not fit. */
  add({ slab, topics }: Batch, { row, fault, isJson }: Reject): boolean {
    const topic = topics[slab.topic(row)] as string;
    const known = this.topics.indexOf(topic);
    if (!this.slab.appendFrom(slab, row, known < 0 ? this.topics.length : known)) return false;
    if (known < 0) this.topics.push(topic);
    this.faults.push(fault);
    this.areJson.push(isJson);
    return true;
  }
}

export interface LoadSlabsOptions {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** So many are kept for the next load. */
  readonly freeMax: number;
}

/** Slabs for loads, used over and over. A message that is larger than any gets one of its own, which is not kept. */
export class LoadSlabs {
  readonly #options: LoadSlabsOptions;
  readonly #free: Slab[] = [];

  constructor(options: LoadSlabsOptions) {
    this.#options = options;
  }

  /** A slab that holds a message of so many bytes. */
  take(bytes: number): Slab {
    const { rowsMax, bytesMax } = this.#options;
    return bytes > bytesMax ? Slab.allocate(1, bytes) : (this.#free.pop() ?? Slab.allocate(rowsMax, bytesMax));
  }

  give(slab: Slab): void {
    const { bytesMax, freeMax } = this.#options;
    if (slab.bytesMax !== bytesMax || this.#free.length >= freeMax) return;
    slab.reset();
    this.#free.push(slab);
  }
}
