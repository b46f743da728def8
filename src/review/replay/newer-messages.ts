import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import type { Target } from './target.ts';

/** A record that may be overtaken by a newer message of its key. */
export interface Candidate {
  readonly ordinal: number;
  readonly key: Buffer;
  /** Milliseconds since 1970, as in the source. */
  readonly timestamp: number;
  readonly partition: number;
}

export interface Overtaken {
  readonly ordinals: ReadonlySet<number>;
  /** Why not all could be looked for, null where all was. */
  readonly gap: string | null;
  /** By partition of the target, up to where it was looked; null where there is nothing to look for. */
  readonly lookedTo: readonly number[] | null;
}

/** Some seconds of reading; nobody makes the process that serves others beside it look at more. */
export const recordsMax = 3_000_000;

/**
 * Which of the records have a newer message of the same key in the target: one in the same partition with a later timestamp. The target's
 * own log is read for it, from the oldest of the records on. A message of the same millisecond is not newer.
 */
export async function findOvertaken(wire: Wire, target: Target, candidates: readonly Candidate[]): Promise<Overtaken> {
  const none = new Set<number>();
  if (candidates.length === 0) return { ordinals: none, gap: null, lookedTo: null };
  if (target.ownTimestamps)
    return {
      ordinals: none,
      gap: `${target.topic} has timestamps of its own, so newer messages of a key were not looked for.`,
      lookedTo: null,
    };
  const newest = await newestOfKeys(wire, target, candidates);
  const ordinals = candidates.filter((one) => (newest.times.get(placeOf(one)) ?? -1) > one.timestamp).map(({ ordinal }) => ordinal);
  const gap = newest.whole
    ? null
    : `Newer messages of a key were looked for in the first ${recordsMax.toLocaleString('en')} messages only.`;
  return { ordinals: new Set(ordinals), gap, lookedTo: newest.lookedTo };
}

async function newestOfKeys(
  wire: Wire,
  { topic }: Target,
  candidates: readonly Candidate[],
): Promise<{ times: ReadonlyMap<string, number>; whole: boolean; lookedTo: readonly number[] }> {
  const times = new Map(candidates.map((one) => [placeOf(one), -1]));
  const oldest = candidates.reduce((least, { timestamp }) => Math.min(least, timestamp), Number.POSITIVE_INFINITY);
  const [starts, ends] = [await wire.since(topic, oldest), await wire.ends(topic)];
  let left = recordsMax;
  let whole = true;
  const lookedTo = [...ends];
  for (const partition of new Set(candidates.map((one) => one.partition))) {
    const from = starts[partition] ?? 0;
    const to = Math.min(ends[partition] ?? 0, from + left);
    whole &&= to === (ends[partition] ?? 0);
    left -= Math.max(0, to - from);
    const reached = await wire.read({ topic, partition, from, to }, (records) => {
      for (const { key, timestamp } of records) {
        const place = key && placeOf({ partition, key });
        if (place !== null && (times.get(place) ?? Number.POSITIVE_INFINITY) < timestamp) times.set(place, timestamp);
      }
    });
    lookedTo[partition] = Math.max(from, reached);
  }
  return { times, whole, lookedTo };
}

/** A key in its partition, as a text: two messages with the same one are of one order. */
export function placeOf({ partition, key }: Pick<Candidate, 'partition' | 'key'>): string {
  return `${partition}/${key.toString('latin1')}`;
}
