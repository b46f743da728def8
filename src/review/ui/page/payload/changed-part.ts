/** What differs between two texts, with a little of what stands around it. */
export interface ChangedPart {
  readonly lead: string;
  readonly before: string;
  readonly after: string;
  readonly tail: string;
}

const around = 80;
/** A word that is longer is something else, such as bytes written as text: it is cut. */
const wordMax = 40;
/** What a name, a number or a word is made of. */
const isWithin = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}_.+-]/u.test(character);

/** The one stretch outside of which both texts are the same; a number or a word is in it whole. */
export function changedPart(before: string, after: string): ChangedPart {
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let same = 0;
  while (same < shorter - from && before.at(-1 - same) === after.at(-1 - same)) same += 1;
  if (from + same < Math.max(before.length, after.length)) {
    for (const least = Math.max(0, from - wordMax); from > least && isWithin(before[from - 1]); ) from -= 1;
    for (const least = Math.max(0, same - wordMax); same > least && isWithin(before.at(-same)); ) same -= 1;
  }
  const lead = before.slice(Math.max(0, from - around), from);
  const tail = before.slice(before.length - same, before.length - same + around);
  return {
    lead: from > around ? `…${lead}` : lead,
    before: before.slice(from, before.length - same),
    after: after.slice(from, after.length - same),
    tail: same > around ? `${tail}…` : tail,
  };
}
