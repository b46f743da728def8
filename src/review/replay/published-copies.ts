import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import type { Claim } from '../../store/replay-runs.ts';
import { markOf } from './replay-headers.ts';

/**
 * Which records of a claim lie in the target already, by their ids. A worker that ended between sending and marking leaves the topic as
 * the only witness: it is read from where it ended before anything of the claim was sent.
 */
export async function findPublished(wire: Wire, { plan, records, ends }: Claim): Promise<ReadonlySet<string>> {
  const asked = new Set(records.map(({ recordId }) => recordId));
  const published = new Set<string>();
  const now = await wire.ends(plan.target);
  for (const [partition, to] of now.entries()) {
    await wire.readWhole({ topic: plan.target, partition, from: ends[partition] ?? 0, to }, (found) => {
      for (const { headers } of found) {
        const mark = markOf(headers);
        if (mark?.planId === plan.id && asked.has(mark.recordId)) published.add(mark.recordId);
      }
    });
  }
  return published;
}
