import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import type { Batch } from '../../model/batch.ts';
import type { Watermark } from '../../model/delivery.ts';
import { OffsetTracker, type Settle } from './offset-tracker.ts';

interface Held {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly tracker: OffsetTracker;
}

/** Where watermarks go: the client's offset store, which commits them by its own timer and never lets them move back. */
export interface OffsetStore {
  storeOffsets(watermarks: readonly Watermark[]): void;
  /** Asks for a commit of what is stored, now rather than at the client's next tick. */
  commitStored(): void;
}

/**
 * Decides what may be committed. It knows the partitions held, each in its assignment epoch, and the open batches.
 *
 * A partition is held from `assign` to `release`. A claim counts only while its partition is held in the same epoch: what settles
 * later belongs to a lost epoch and is dropped without a trace, because the next owner reads it again. Invariant: an offset
 * reaches the store only when every message before it, back to the committed one, is durable where it belongs.
 */
export class Committer {
  readonly #store: OffsetStore;
  readonly #held = new Map<string, Held>();
  readonly #moved = new Map<string, Watermark>();
  readonly #settles = new Map<Batch, readonly (() => void)[]>();
  #idle: Deferred[] = [];

  constructor(store: OffsetStore) {
    this.#store = store;
  }

  /** Batches tracked and not yet settled. */
  get openBatches(): number {
    return this.#settles.size;
  }

  /** Messages that are not settled yet. */
  get openMessages(): number {
    let messages = 0;
    for (const batch of this.#settles.keys()) for (const claim of batch.claims) messages += claim.messages;
    return messages;
  }

  assign(topic: string, partition: number, epoch: number): void {
    this.#held.set(keyOf(topic, partition), { topic, partition, epoch, tracker: new OffsetTracker() });
  }

  /** Forgets a partition: claims that settle from now on move nothing. */
  release(topic: string, partition: number): void {
    this.#held.delete(keyOf(topic, partition));
    this.#moved.delete(keyOf(topic, partition));
    this.#wakeIdle();
  }

  track(batch: Batch): void {
    const settles: (() => void)[] = [];
    for (const claim of batch.claims) {
      const held = this.#held.get(keyOf(claim.topic, claim.partition));
      if (held?.epoch !== claim.epoch) continue;
      const settle = held.tracker.track(claim.offsetNext);
      settles.push(() => this.#settleClaim(held, settle));
    }
    this.#settles.set(batch, settles);
  }

  settle(batch: Batch): void {
    const settles = this.#settles.get(batch);
    assert(settles, 'a batch was settled that is not tracked');
    this.#settles.delete(batch);
    for (const settle of settles) settle();
    this.#wakeIdle();
    if (this.#settles.size === 0) this.flush();
  }

  /** Hands the moved watermarks to the store; asks for a commit at once when nothing is open any more. */
  flush(): void {
    if (this.#moved.size > 0) {
      const watermarks = [...this.#moved.values()];
      this.#moved.clear();
      this.#store.storeOffsets(watermarks);
      if (this.#settles.size === 0) this.#store.commitStored();
    }
  }

  /** Ends when no open claim is left in these partitions (all of them when none are given), or they are no longer held. */
  async settled(partitions?: readonly { topic: string; partition: number }[]): Promise<void> {
    while (this.#anyOpen(partitions)) {
      const waiting = createDeferred();
      this.#idle.push(waiting);
      await waiting.promise;
    }
  }

  #anyOpen(partitions?: readonly { topic: string; partition: number }[]): boolean {
    if (!partitions) return this.#settles.size > 0;
    return partitions.some(({ topic, partition }) => (this.#held.get(keyOf(topic, partition))?.tracker.open ?? 0) > 0);
  }

  #settleClaim(held: Held, settle: Settle): void {
    const offsetNext = settle();
    const key = keyOf(held.topic, held.partition);
    if (offsetNext === null || this.#held.get(key) !== held) return;
    this.#moved.set(key, { topic: held.topic, partition: held.partition, epoch: held.epoch, offsetNext });
  }

  #wakeIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const deferred of waiting) deferred.resolve();
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
