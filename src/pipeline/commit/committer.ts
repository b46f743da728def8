import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import type { Batch, Claim } from '../../model/batch.ts';
import type { Watermark } from '../../model/delivery.ts';
import { OffsetTracker, type Settle } from './offset-tracker.ts';

interface Held {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly tracker: OffsetTracker;
}

/** A claim of an open batch that was held when it was tracked. */
interface Tracked {
  readonly held: Held;
  readonly settle: Settle;
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
  readonly #open = new Map<Batch, readonly Tracked[]>();
  /** Held partitions of which something was withheld, by topic. */
  readonly #withheld = new Map<string, Set<number>>();
  #idle: Deferred[] = [];

  constructor(store: OffsetStore) {
    this.#store = store;
  }

  /** Batches tracked and not yet settled. */
  get openBatches(): number {
    return this.#open.size;
  }

  /** Messages that are not settled yet. */
  get openMessages(): number {
    let messages = 0;
    for (const batch of this.#open.keys()) for (const claim of batch.claims) messages += claim.messages;
    return messages;
  }

  assign(topic: string, partition: number, epoch: number): void {
    this.#withheld.get(topic)?.delete(partition);
    this.#held.set(keyOf(topic, partition), { topic, partition, epoch, tracker: new OffsetTracker() });
  }

  /** Forgets a partition: claims that settle from now on move nothing. */
  release(topic: string, partition: number): void {
    this.#withheld.get(topic)?.delete(partition);
    this.#held.delete(keyOf(topic, partition));
    this.#moved.delete(keyOf(topic, partition));
    this.#wakeIdle();
  }

  /** Is the partition of the claim still held in the epoch that the claim is of? */
  holds({ topic, partition, epoch }: Claim): boolean {
    return this.#held.get(keyOf(topic, partition))?.epoch === epoch;
  }

  track(batch: Batch): void {
    const tracked: Tracked[] = [];
    for (const claim of batch.claims) {
      const held = this.#held.get(keyOf(claim.topic, claim.partition));
      if (held?.epoch === claim.epoch) tracked.push({ held, settle: held.tracker.track(claim.offsetNext) });
    }
    this.#open.set(batch, tracked);
  }

  /** Is the claim behind one of its partition and epoch that was withheld? Then it must be withheld, too. */
  isBehindWithheld(batch: Batch, { epoch }: Claim): boolean {
    const tracked = this.#open.get(batch)?.find(({ held }) => held.epoch === epoch);
    return (tracked?.held.tracker.withheldFrom ?? null) !== null;
  }

  /** The claim, which begins at `offset`, will not settle with its batch. Claims must be withheld in the order they were tracked. */
  withhold(batch: Batch, { topic, partition, epoch }: Claim, offset: number): void {
    const tracked = this.#open.get(batch);
    assert(tracked, 'a batch was withheld that is not tracked');
    const withheld = tracked.find(({ held }) => held.epoch === epoch);
    withheld?.held.tracker.withhold(offset);
    if (withheld && this.#held.get(keyOf(topic, partition)) === withheld.held) {
      const partitions = this.#withheld.get(topic) ?? new Set();
      this.#withheld.set(topic, partitions.add(partition));
    }
    this.#open.set(
      batch,
      tracked.filter((one) => one !== withheld),
    );
    this.#wakeIdle();
  }

  /** Must held partitions of the topic be read again? */
  hasWithheld(topic: string): boolean {
    return (this.#withheld.get(topic)?.size ?? 0) > 0;
  }

  /** Where a held partition must be read again because of what was withheld, null where nothing was. */
  withheldFrom(topic: string, partition: number): number | null {
    return this.#held.get(keyOf(topic, partition))?.tracker.withheldFrom ?? null;
  }

  /** Is a claim of these partitions open that can still settle? */
  isOpen(partitions: readonly { topic: string; partition: number }[]): boolean {
    return partitions.some(({ topic, partition }) => (this.#held.get(keyOf(topic, partition))?.tracker.open ?? 0) > 0);
  }

  settle(batch: Batch): void {
    const tracked = this.#open.get(batch);
    assert(tracked, 'a batch was settled that is not tracked');
    this.#open.delete(batch);
    for (const { held, settle } of tracked) this.#settleClaim(held, settle);
    this.#wakeIdle();
    if (this.#open.size === 0) this.flush();
  }

  /** Hands the moved watermarks to the store; asks for a commit at once when nothing is open any more. */
  flush(): void {
    if (this.#moved.size > 0) {
      const watermarks = [...this.#moved.values()];
      this.#moved.clear();
      this.#store.storeOffsets(watermarks);
      if (this.#open.size === 0) this.#store.commitStored();
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
    return partitions ? this.isOpen(partitions) : this.#open.size > 0;
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
