import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { Slab } from '../../model/slab.ts';

export interface SlabRingOptions {
  /** How many slabs there are: the limit of open batches, and so the brake of the whole pipeline. */
  readonly slabs: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/**
 * The slabs of the pipeline, used over and over. A slab is out from the first message of a batch until the batch is settled; when
 * all are out, nothing more is consumed. Memory is bounded by the ring, but for messages larger than a slab: each of those gets
 * one of its own, which is not kept.
 */
export class SlabRing {
  readonly #free: Slab[] = [];
  readonly #options: SlabRingOptions;
  #allocated = 0;
  #waiter: Deferred | null = null;

  constructor(options: SlabRingOptions) {
    this.#options = options;
  }

  get hasFree(): boolean {
    return this.#free.length > 0 || this.#allocated < this.#options.slabs;
  }

  /** Resolves when a slab is free. */
  async freed(): Promise<void> {
    if (this.hasFree) return;
    this.#waiter ??= createDeferred();
    await this.#waiter.promise;
  }

  /** A slab for messages of the usual size. Slabs are made as they are needed, so a quiet service stays small. */
  take(): Slab {
    assert(this.hasFree, 'a slab was taken while none was free');
    const slab = this.#free.pop();
    if (slab) return slab;
    this.#allocated += 1;
    return Slab.allocate(this.#options.rowsMax, this.#options.bytesMax);
  }

  /** Replaces a slab that is too small for the next message by one that holds just that. */
  exchange(slab: Slab, bytes: number): Slab {
    this.give(slab);
    this.#allocated += 1;
    return Slab.allocate(1, bytes);
  }

  give(slab: Slab): void {
    slab.reset();
    if (slab.rowsMax === this.#options.rowsMax && slab.bytesMax === this.#options.bytesMax) this.#free.push(slab);
    else this.#allocated -= 1;
    this.#waiter?.resolve();
    this.#waiter = null;
  }
}
