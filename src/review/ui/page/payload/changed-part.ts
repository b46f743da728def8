/** What differs between two texts, with a little of what stands around it. */
export interface ChangedPart {
  readonly lead: string;
  readonly before: string;
  readonly after: string;
  readonly tail: string;
}

const around = 80;

/** The one stretch outside of which both texts are the same. */
export function changedPart(before: string, after: string): ChangedPart {
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let same = 0;
  while (same < shorter - from && before.at(-1 - same) === after.at(-1 - same)) same += 1;
  const lead = before.slice(Math.max(0, from - around), from);
  const tail = before.slice(before.length - same, before.length - same + around);
  return {
    lead: from > around ? `…${lead}` : lead,
    before: before.slice(from, before.length - same),
    after: after.slice(from, after.length - same),
    tail: same > around ? `${tail}…` : tail,
  };
}
