import { codePointLast, inRanges } from '../patterns/parse-pattern.ts';

/**
 * Languages over Unicode code points, closed under union, intersection and complement, by Brzozowski's derivatives. A language is
 * `nullable` if it holds the empty text. Equal descriptions are one object; a class is sorted pairs of first and last code point.
 */
export type Language = { readonly id: number; readonly nullable: boolean } & (
  | { readonly op: 'class'; readonly ranges: readonly number[] }
  | { readonly op: 'empty' }
  | { readonly op: 'then'; readonly first: Language; readonly rest: Language }
  | { readonly op: 'times'; readonly of: Language; readonly least: number; readonly most: number }
  | { readonly op: 'or' | 'and'; readonly of: readonly Language[] }
  | { readonly op: 'not'; readonly of: Language }
);

type Shape = Language extends infer Each ? (Each extends Language ? Omit<Each, 'id'> : never) : never;

/** Texts are explored up to so many different rests of a language; beyond, nothing is said of it. */
const statesMax = 4_000;
const languagesMax = 60_000;

/** The search for a text went over its limit. */
export class TooManyStates extends Error {}

export class Languages {
  readonly #known = new Map<string, Language>();
  readonly none = this.#intern('none', { op: 'class', ranges: [], nullable: false });
  readonly empty = this.#intern('empty', { op: 'empty', nullable: true });
  readonly character = this.characters([0, codePointLast]);
  readonly anything = this.times(this.character, 0, Infinity);

  characters(ranges: readonly number[]): Language {
    if (ranges.length === 0) return this.none;
    return this.#intern(`class ${ranges.join(' ')}`, { op: 'class', ranges, nullable: false });
  }

  text(text: string): Language {
    const classes = Array.from(text, (letter) => letter.codePointAt(0) as number).map((code) => this.characters([code, code]));
    return classes.reduceRight((rest, letter) => this.then(letter, rest), this.empty);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a language has no members that are called, and concatenation has no better name.
  then(first: Language, rest: Language): Language {
    if (first === this.none || rest === this.none) return this.none;
    if (first === this.empty) return rest;
    if (rest === this.empty) return first;
    if (first.op === 'then') return this.then(first.first, this.then(first.rest, rest));
    const nullable = first.nullable && rest.nullable;
    return this.#intern(`then ${first.id} ${rest.id}`, { op: 'then', first, rest, nullable });
  }

  times(of: Language, least: number, most: number): Language {
    if (most === 0 || of === this.empty) return this.empty;
    if (of === this.none) return least === 0 ? this.empty : of;
    if (least === 1 && most === 1) return of;
    const from = of.nullable ? 0 : least;
    return this.#intern(`times ${of.id} ${from} ${most}`, { op: 'times', of, least: from, most, nullable: from === 0 });
  }

  or(parts: readonly Language[]): Language {
    return this.#join('or', parts, this.none, this.anything);
  }

  and(parts: readonly Language[]): Language {
    return this.#join('and', parts, this.anything, this.none);
  }

  not(of: Language): Language {
    if (of.op === 'not') return of.of;
    if (of === this.none) return this.anything;
    if (of === this.anything) return this.none;
    return this.#intern(`not ${of.id}`, { op: 'not', of, nullable: !of.nullable });
  }

  /** A shortest text of the language, in plain letters where it may be; null if there is none. Throws {@link TooManyStates}. */
  shortest(language: Language): string | null {
    const seen = new Set([language]);
    let front: { state: Language; text: string }[] = [{ state: language, text: '' }];
    while (front.length > 0) {
      const accepted = front.find(({ state }) => state.nullable);
      if (accepted) return accepted.text;
      const next: typeof front = [];
      for (const { state, text } of front) {
        for (const code of representatives(state)) {
          const after = this.#after(state, code);
          if (after === this.none || seen.has(after)) continue;
          seen.add(after);
          if (seen.size > statesMax || this.#known.size > languagesMax) throw new TooManyStates();
          next.push({ state: after, text: text + String.fromCodePoint(code) });
        }
      }
      front = next;
    }
    return null;
  }

  has(language: Language, text: string): boolean {
    let state = language;
    for (const letter of text) state = this.#after(state, letter.codePointAt(0) as number);
    return state.nullable;
  }

  /** What may follow `code`. */
  #after(language: Language, code: number): Language {
    switch (language.op) {
      case 'class':
        return inRanges(language.ranges, code) ? this.empty : this.none;
      case 'empty':
        return this.none;
      case 'then': {
        const first = this.then(this.#after(language.first, code), language.rest);
        return language.first.nullable ? this.or([first, this.#after(language.rest, code)]) : first;
      }
      case 'times':
        return this.then(this.#after(language.of, code), this.times(language.of, Math.max(language.least - 1, 0), language.most - 1));
      case 'not':
        return this.not(this.#after(language.of, code));
      case 'or':
        return this.or(language.of.map((part) => this.#after(part, code)));
      case 'and':
        return this.and(language.of.map((part) => this.#after(part, code)));
    }
  }

  #join(op: 'or' | 'and', parts: readonly Language[], neutral: Language, absorbing: Language): Language {
    const flat = new Map<number, Language>();
    for (const part of parts) for (const inner of part.op === op ? part.of : [part]) if (inner !== neutral) flat.set(inner.id, inner);
    if (flat.has(absorbing.id)) return absorbing;
    const of = [...flat.values()].sort((a, b) => a.id - b.id);
    if (of.some((part) => part.op === 'not' && flat.has(part.of.id))) return absorbing;
    if (of.length <= 1) return of[0] ?? neutral;
    const nullable = op === 'or' ? of.some((part) => part.nullable) : of.every((part) => part.nullable);
    return this.#intern(`${op} ${of.map(({ id }) => id).join(' ')}`, { op, of, nullable });
  }

  #intern(key: string, shape: Shape): Language {
    const known = this.#known.get(key);
    if (known) return known;
    const language = { ...shape, id: this.#known.size } as Language;
    this.#known.set(key, language);
    return language;
  }
}

/** One code point of each stretch that the language treats alike, plain letters first. */
function representatives(language: Language): number[] {
  const starts = new Set([0]);
  collectStarts(language, starts);
  const sorted = [...starts].filter((start) => start <= codePointLast).sort((a, b) => a - b);
  const chosen = sorted.map((start, index) => plainest(start, (sorted[index + 1] ?? codePointLast + 1) - 1));
  return chosen.sort((a, b) => plainness(a) - plainness(b));
}

function collectStarts(language: Language, starts: Set<number>): void {
  if (language.op === 'class') {
    for (let at = 0; at < language.ranges.length; at += 2) {
      starts.add(language.ranges[at] as number).add((language.ranges[at + 1] as number) + 1);
    }
  } else if (language.op === 'then') {
    collectStarts(language.first, starts);
    if (language.first.nullable) collectStarts(language.rest, starts);
  } else if (language.op === 'times' || language.op === 'not') collectStarts(language.of, starts);
  else if (language.op === 'or' || language.op === 'and') for (const part of language.of) collectStarts(part, starts);
}

const plain = Array.from('ax0A1_- z9Z.', (letter) => letter.codePointAt(0) as number);

function plainest(first: number, last: number): number {
  const found = plain.find((code) => code >= first && code <= last);
  if (found !== undefined) return found;
  if (first < 0x20 && last >= 0x21) return 0x21;
  return first >= 0xd800 && first <= 0xdfff && last > 0xdfff ? 0xe000 : first;
}

function plainness(code: number): number {
  const rank = plain.indexOf(code);
  if (rank >= 0) return rank;
  return code > 0x20 && code < 0x7f ? 20 : code >= 0xd800 && code <= 0xdfff ? 1_000 : code < 0x20 ? 100 : 50;
}
