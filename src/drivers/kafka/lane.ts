import type { Watermark } from '../../model/delivery.ts';
import type { Slab } from '../../model/slab.ts';

/** A change of what this process holds. It waits until the consume loop answers it; the group waits with it. */
export interface Rebalance {
  readonly kind: 'assign' | 'revoke';
  readonly partitions: readonly TopicPartition[];
  /** Revoked without notice: the partitions may already have another owner, so nothing may be stored for them any more. */
  readonly lost: boolean;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** How much of the log is still ahead of the group, by partition. */
export interface Lag extends TopicPartition {
  readonly messages: number;
}

/**
 * The reading half of a lane. One `fill` is in flight at a time, and rebalances are answered between fills only, so a message
 * never changes hands while it is being copied.
 */
export interface Source {
  /** Topics that the topic column of a slab points into. */
  readonly topics: readonly string[];
  readonly rebalancePending: boolean;
  /** Resolves when a rebalance is waiting, at once if one is. */
  rebalanced(): Promise<void>;
  /** Takes the next rebalance from the queue, null if there is none. It must be answered. */
  nextRebalance(): Rebalance | null;
  /** Tells the client that the rebalance was dealt with; `epochs` are the new epochs of assigned partitions. */
  answer(rebalance: Rebalance): void;
  epochOf(topic: string, partition: number): number | null;
  /**
   * Appends messages to the slab, at least one unless `waitMs` pass without any. Resolves to how many. Messages that do not fit are
   * kept for the next call.
   */
  fill(slab: Slab, waitMs: number): Promise<number>;
  /** Bytes of the next message that was consumed and did not fit a slab, null if there is none. */
  readonly carriedBytes: number | null;
  storeOffsets(watermarks: readonly Watermark[]): void;
  commitStored(): void;
  /** Keeps the membership alive while nothing is taken: partitions are paused and the client is polled. */
  idle(waitMs: number): Promise<void>;
  resume(): void;
  /** The partitions of a topic that are held. */
  partitionsOf(topic: string): readonly TopicPartition[];
  /** Pauses all partitions of the topic, those to come as well, until `release`. A few messages may still be handed over. */
  hold(topic: string): void;
  /** Reads a held partition again from `offset`, in a new epoch, which is returned; what was consumed and not yet filled in is left out. */
  rewind(partition: TopicPartition, offset: number): Promise<number>;
  release(topic: string): void;
  close(): Promise<void>;
}

/** A row that the topic refused for good: nothing that is tried again can make it pass. */
export interface Refusal {
  /** The row of the slab. */
  readonly row: number;
  readonly reason: 'too_large' | 'refused';
  readonly message: string;
}

/** Rows of a slab for one topic. The slab must stay as it is until the publication is settled: a lane may read it where it lies until then. */
export interface Publication {
  readonly topic: string;
  readonly slab: Slab;
  /** The rows to publish, in order. */
  readonly rows: Int32Array;
  /** The target partition of each row of `rows`. */
  readonly partitions: Int32Array;
  /** Keys that replace a row's null key. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

/**
 * The writing half of a lane. Publications enter the client's queue one after another in the order of the calls, so the order
 * within a target partition is the order of the calls. What may pass later is tried again for as long as it takes; what can
 * never pass is returned. A full queue holds the call back without blocking the event loop.
 */
export interface Publisher {
  publish(publication: Publication): Promise<readonly Refusal[]>;
  /** Ends when no crowd of acknowledgements is waiting to be read: more should not be taken before. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}
