/**
 * Sets of code points as sorted, disjoint, inclusive ranges that do not touch. What a set means is asked of JavaScript's own engine
 * wherever tables of Unicode decide: its answer is the one that a verdict of the other engine stands on.
 */
export type CodePointSet = readonly Range[];
export type Range = readonly [first: number, last: number];

export const codePointMax = 0x10ffff;

export const noCodePoint: CodePointSet = [];
export const anyCodePoint: CodePointSet = [[0, codePointMax]];
export const digits: CodePointSet = [[0x30, 0x39]];
export const wordCharacters: CodePointSet = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** What `.` does not match without the flag `s`. */
export const lineTerminators: CodePointSet = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
export const surrogates: Range = [0xd800, 0xdfff];

export function union(...sets: readonly CodePointSet[]): CodePointSet {
  const sorted = sets.flat().sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

export function complement(set: CodePointSet): CodePointSet {
  const gaps: Range[] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= codePointMax) gaps.push([next, codePointMax]);
  return gaps;
}

export function intersection(a: CodePointSet, b: CodePointSet): CodePointSet {
  return complement(union(complement(a), complement(b)));
}

const answers = new Map<string, CodePointSet>();

/**
 * The code points that the one-character expression `source` matches. With the flag `u` these are all code points; without it the
 * code units up to U+FFFF, halves of surrogate pairs among them.
 */
export function codePointsMatching(source: string, flags: string): CodePointSet {
  const key = `${flags}/${source}`;
  const known = answers.get(key);
  if (known) return known;
  const runs = new RegExp(`(?:${source})+`, `g${flags}`);
  const ranges = alphabet(flags.includes('u')).flatMap((text) => [...text.matchAll(runs)].map(([run]) => rangeOf(run)));
  const set = union(ranges);
  // A service sees few different classes; whoever makes up endless ones gets them computed each time.
  if (answers.size < answersMax) answers.set(key, set);
  return set;
}

const answersMax = 2_000;

const alphabets = new Map<boolean, readonly string[]>();

/**
 * All code points but the surrogates, which no well-formed text holds, or all code units; in order, in pieces short enough for an
 * engine that backtracks. No piece goes over the gap of the surrogates, so a run of neighbours in one is a range.
 */
function alphabet(ofCodePoints: boolean): readonly string[] {
  const known = alphabets.get(ofCodePoints);
  if (known) return known;
  const pieces: string[] = [];
  for (let first = 0; first <= (ofCodePoints ? codePointMax : 0xffff); first += pieceLength) {
    const isSurrogate = first >= surrogates[0] && first <= surrogates[1];
    if (ofCodePoints && isSurrogate) continue;
    pieces.push(String.fromCodePoint(...Array.from({ length: pieceLength }, (_, index) => first + index)));
  }
  alphabets.set(ofCodePoints, pieces);
  return pieces;
}

/** Divides the gap of the surrogates and the planes of Unicode. */
const pieceLength = 0x800;

/** By code points where the run holds pairs: a code unit alone is its own code point. */
function rangeOf(run: string): Range {
  const last = Array.from(run.slice(-2)).at(-1) as string;
  return [run.codePointAt(0) as number, last.codePointAt(0) as number];
}
