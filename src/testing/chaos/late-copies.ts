/** What the cluster said at one moment: the offsets were answered before `atMs`, the ends were asked for after it. */
export interface Sample {
  readonly atMs: number;
  /** The group's offset of each source partition, 0 where it has none. */
  readonly committed: readonly number[];
  /** The end of each partition of the valid topic. */
  readonly validEnds: readonly number[];
}

/** A record of the valid topic, and the source record that it is a copy of. */
export interface Copy {
  readonly partition: number;
  readonly offset: number;
  readonly source: { readonly partition: number; readonly offset: number };
  /** Is there an earlier copy of the same source record? */
  readonly isRepeat: boolean;
}

export interface LateCopies {
  /** First copies that came when their source was committed already: a commit before durability. */
  readonly afterCommit: readonly Copy[];
  /** Repeats that came when their source was committed for longer than the limit: no work that was open then. */
  readonly unexplained: readonly Copy[];
  readonly repeats: number;
  /** The longest that a repeat is known to have come behind the commit of its source. */
  readonly repeatMsMax: number;
  /** Samples that saw something committed. Where they are few, nothing late says little. */
  readonly looks: number;
}

/**
 * How long each copy is known to have come behind the commit of its source, from below: a copy is later than every sample that does not see
 * it yet, and the commit is earlier than every sample that sees it. So what this finds is so, whatever the sampling missed.
 */
export function lateCopies(copies: readonly Copy[], samples: readonly Sample[], explainedMsMax: number): LateCopies {
  const [afterCommit, unexplained]: [Copy[], Copy[]] = [[], []];
  let [repeats, repeatMsMax] = [0, 0];
  for (const copy of copies) {
    const lateMs = lateBy(copy, samples);
    if (!copy.isRepeat) {
      if (lateMs !== null) afterCommit.push(copy);
      continue;
    }
    repeats += 1;
    repeatMsMax = Math.max(repeatMsMax, lateMs ?? 0);
    if (lateMs !== null && lateMs > explainedMsMax) unexplained.push(copy);
  }
  const looks = samples.filter(({ committed }) => committed.some((offset) => offset > 0)).length;
  return { afterCommit, unexplained, repeats, repeatMsMax: Math.round(repeatMsMax), looks };
}

/** Null where it may have come before the commit. */
function lateBy({ partition, offset, source }: Copy, samples: readonly Sample[]): number | null {
  const firstBehind = countWhile(samples, ({ committed }) => (committed[source.partition] as number) <= source.offset);
  const lastWithout = countWhile(samples, ({ validEnds }) => (validEnds[partition] as number) <= offset) - 1;
  const [from, to] = [samples[firstBehind], samples[lastWithout]];
  return from && to && lastWithout >= firstBehind ? to.atMs - from.atMs : null;
}

/** How many samples from the first on hold; from the first that does not, none does. */
function countWhile(samples: readonly Sample[], holds: (sample: Sample) => boolean): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(samples[middle] as Sample)) low = middle + 1;
    else high = middle;
  }
  return low;
}
