import type { Batch } from '../../model/batch.ts';

/** Messages of one source partition, `to` not included. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What a whole batch holds of each partition. */
export function rangesOf({ slab, topics, claims }: Batch): OffsetRange[] {
  const ranges = new Map<number, OffsetRange>();
  const ends = new Map(claims.map(({ epoch, offsetNext }) => [epoch, offsetNext]));
  // An epoch belongs to one partition, so it is the whole key.
  for (let row = 0; row < slab.count && ranges.size < ends.size; row++) {
    const epoch = slab.epoch(row);
    if (!ranges.has(epoch)) ranges.set(epoch, { ...rangeOf({ slab, topics }, row), to: ends.get(epoch) as number });
  }
  return [...ranges.values()];
}

/** One message. */
export function rangeOf({ slab, topics }: Pick<Batch, 'slab' | 'topics'>, row: number): OffsetRange {
  const offset = slab.offset(row);
  return { topic: topics[slab.topic(row)] as string, partition: slab.partition(row), from: offset, to: offset + 1 };
}
