import type { Slab } from './slab.ts';

/** The part of a batch that came from one partition in one assignment epoch: what the committer tracks. */
export interface Claim {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  /** The offset to commit once this claim and all before it are settled: one past the last message of the claim. */
  readonly offsetNext: number;
  readonly messages: number;
}

/** Messages judged, routed and settled together, in the order in which they were consumed. */
export interface Batch {
  /** Counts up from 1 in a process. */
  readonly id: number;
  readonly slab: Slab;
  /** The source topics that the rows' topic column points into. */
  readonly topics: readonly string[];
  readonly claims: readonly Claim[];
  /** Monotonic milliseconds when the first message came in. */
  readonly startedMs: number;
}
