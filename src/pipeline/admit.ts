import type { Batch, Claim } from '../model/batch.ts';
import type { Judged } from '../model/delivery.ts';
import { answer } from '../model/slab.ts';
import type { Committer } from './commit/committer.ts';
import type { Flood } from './flood/flood.ts';

/**
 * Lets a judged batch go on, before anything of it is written, but for the topics whose flood breaker says to pause: their messages are
 * withheld, the batch that trips it among them, and read again when it is lifted. What is behind a withheld message of its
 * partition is withheld too, whatever the breaker says by then. Batches must come in the order they were tracked.
 */
export function admit(batch: Batch, judged: Judged, { flood, committer }: { flood: Flood; committer: Committer }): Judged {
  const isWaiting = (claim: Claim) => flood.isHeld(claim.topic) || committer.isBehindWithheld(batch, claim);
  const waiting = batch.claims.filter(isWaiting);
  // What a lost epoch brings is counted by whoever reads it again.
  const counted = batch.claims.filter((claim) => !waiting.includes(claim) && committer.holds(claim));
  flood.judge(batch, judged.rejects, counted);
  const withheld = batch.claims.filter((claim) => waiting.includes(claim) || flood.isHeld(claim.topic));
  if (withheld.length === 0) return judged;
  withhold(batch, withheld, committer);
  const goesOn = (row: number) => batch.slab.answers[row] !== answer.withheld;
  const { keys, rejects, mended } = judged;
  return {
    keys,
    rejects: rejects.filter(({ row }) => goesOn(row)),
    ...(mended && { mended: new Map([...mended].filter(([row]) => goesOn(row))) }),
  };
}

function withhold(batch: Batch, claims: readonly Claim[], committer: Committer): void {
  const { slab } = batch;
  const first = new Map<number, number | null>(claims.map(({ epoch }) => [epoch, null]));
  for (let row = 0; row < slab.count; row++) {
    const epoch = slab.epoch(row);
    const offset = first.get(epoch);
    if (offset === undefined) continue;
    slab.answers[row] = answer.withheld;
    if (offset === null) first.set(epoch, slab.offset(row));
  }
  for (const claim of claims) committer.withhold(batch, claim, first.get(claim.epoch) as number);
}
