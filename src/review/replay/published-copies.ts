import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import type { Claim } from '../../store/replay-runs.ts';
import { markOf } from './replay-headers.ts';

export interface PublishedCopies {
  /** The ids of the records that lie there. */
  readonly ids: ReadonlySet<string>;
  /** May compaction or retention have taken some of what was sent? */
  readonly mayBeGone: boolean;
}

/**
 * Which records of a claim lie in the target already. A worker that ended between sending and marking leaves the topic as the only
 * witness: it is read from where it ended before anything of the claim was sent.
 */
export async function findPublished(wire: Wire, { plan, records, ends }: Claim): Promise<PublishedCopies> {
  const asked = new Set(records.map(({ recordId }) => recordId));
  const published = new Set<string>();
  const now = await wire.ends(plan.target);
  let missing = 0;
  for (const [partition, to] of now.entries()) {
    const from = ends[partition] ?? 0;
    missing += Math.max(0, to - from);
    await wire.readWhole({ topic: plan.target, partition, from, to }, (found) => {
      missing -= found.length;
      for (const { headers } of found) {
        const mark = markOf(headers);
        if (mark?.planId === plan.id && asked.has(mark.recordId)) published.add(mark.recordId);
      }
    });
  }
  return { ids: published, mayBeGone: missing > 0 && (await mayLose(wire, plan.target, ends)) };
}

/** Offsets that hold nothing may be those of a transaction's ends, too. */
async function mayLose(wire: Wire, topic: string, ends: readonly number[]): Promise<boolean> {
  const settings = (await wire.topicSettings([topic])).get(topic);
  return settings?.compacted !== false || (await wire.starts(topic)).some((start, partition) => start > (ends[partition] ?? 0));
}
