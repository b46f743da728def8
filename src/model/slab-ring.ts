import { assert } from '../lib/assert.ts';
import { createDeferred, type Deferred } from '../lib/deferred.ts';
import { Slab } from './slab.ts';

export interface SlabRingOptions {
  /** How many slabs there are, and so the brake on whatever fills them. */
  readonly slabs: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/**
 * Slabs that are used over and over, as a budget of bytes: `slabs` times `bytesMax`. That of a batch is out from its first message until
 * nobody reads its messages there any more; when the budget is out, nothing more is consumed. A message larger than a slab gets one of
 * its own, which takes its bytes from the same budget and is not kept; only one that exceeds the budget alone goes beyond it.
 */
export class SlabRing {
  readonly #free: Slab[] = [];
  readonly #options: SlabRingOptions;
  #bytesOut = 0;
  #waiter: Deferred | null = null;

  constructor(options: SlabRingOptions) {
    this.#options = options;
  }

  get hasFree(): boolean {
    const { slabs, bytesMax } = this.#options;
    return this.#bytesOut + bytesMax <= slabs * bytesMax;
  }

  /** Resolves when a slab is free. */
  async freed(): Promise<void> {
    if (this.hasFree) return;
    this.#waiter ??= createDeferred();
    await this.#waiter.promise;
  }

  /** A slab whose first message has so many bytes. Slabs are made as they are needed, so a quiet service stays small. */
  take(bytes = 0): Slab {
    assert(this.hasFree, 'a slab was taken while none was free');
    const { rowsMax, bytesMax } = this.#options;
    if (bytes > bytesMax) return this.#takeOwn(bytes);
    this.#bytesOut += bytesMax;
    return this.#free.pop() ?? Slab.allocate(rowsMax, bytesMax);
  }

  /** Replaces a slab that is too small for the next message by one that holds just that. */
  exchange(slab: Slab, bytes: number): Slab {
    this.give(slab);
    return this.#takeOwn(bytes);
  }

  #takeOwn(bytes: number): Slab {
    this.#bytesOut += bytes;
    return Slab.allocate(1, bytes);
  }

  give(slab: Slab): void {
    this.#bytesOut -= slab.bytesMax;
    const { rowsMax, bytesMax } = this.#options;
    if (slab.rowsMax === rowsMax && slab.bytesMax === bytesMax) {
      slab.reset();
      this.#free.push(slab);
    }
    if (!this.hasFree) return;
    this.#waiter?.resolve();
    this.#waiter = null;
  }
}
