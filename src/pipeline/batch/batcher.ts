import type { Clock } from '../../lib/clock.ts';
import type { Batch, Claim } from '../../model/batch.ts';
import type { Slab } from '../../model/slab.ts';
import type { SlabRing } from '../../model/slab-ring.ts';

/** What the batch stage needs of the consume stage. */
export interface MessageFlow {
  readonly topics: readonly string[];
  /** Appends messages; resolves to how many, 0 when none came within `waitMs`. */
  fill(slab: Slab, waitMs: number): Promise<number>;
  /** Bytes of a message that waits for a larger slab, null if none does. */
  readonly carriedBytes: number | null;
  readonly rebalancePending: boolean;
}

export interface BatcherOptions {
  readonly ring: SlabRing;
  readonly clock: Clock;
  /** Would a batch only wait behind others? Then waiting for more messages costs nothing, and larger batches cost less. */
  readonly isBehind: () => boolean;
  /** How long an empty batch waits for its first message. */
  readonly firstMsMax: number;
  /** How long a begun batch may wait for more while it would only wait behind others. */
  readonly lingerMsMax: number;
}

/**
 * Decides when a batch is full: at once while nothing is ahead of it, so a lone message does not wait; otherwise when the slab is
 * full, the linger is over, or the group wants an answer.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  #idLast = 0;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** The next batch, null when no message came. The ring must have a free slab. */
  async next(flow: MessageFlow): Promise<Batch | null> {
    const { ring, clock, isBehind, firstMsMax, lingerMsMax } = this.#options;
    let slab = ring.take();
    await flow.fill(slab, firstMsMax);
    if (slab.count === 0 && flow.carriedBytes !== null) {
      slab = ring.exchange(slab, flow.carriedBytes);
      await flow.fill(slab, 0);
    }
    const startedMs = clock.monotonic();
    while (slab.count > 0 && isBehind() && !flow.rebalancePending && flow.carriedBytes === null) {
      const leftMs = lingerMsMax - (clock.monotonic() - startedMs);
      if (leftMs <= 0 || slab.count === slab.rowsMax) break;
      await flow.fill(slab, Math.ceil(Math.min(leftMs, 5)));
    }
    if (slab.count === 0) {
      ring.give(slab);
      return null;
    }
    return { id: ++this.#idLast, slab, topics: flow.topics, claims: claimsOf(slab, flow.topics), startedMs };
  }
}

/** One claim for each partition and epoch in the slab, in order of appearance. */
export function claimsOf(slab: Slab, topics: readonly string[]): Claim[] {
  type Counted = { -readonly [K in keyof Claim]: Claim[K] };
  const claims = new Map<number, Counted>();
  let claim: Counted | undefined;
  for (let row = 0; row < slab.count; row++) {
    // An epoch belongs to one partition, so it is the whole key. Rows come in stretches of one partition.
    const epoch = slab.epoch(row);
    if (claim?.epoch !== epoch) claim = claims.get(epoch);
    if (!claim) {
      claim = { topic: topics[slab.topic(row)] as string, partition: slab.partition(row), epoch, offsetNext: 0, messages: 0 };
      claims.set(epoch, claim);
    }
    claim.offsetNext = slab.offset(row) + 1;
    claim.messages += 1;
  }
  return [...claims.values()];
}
