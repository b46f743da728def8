export const codePointLast = 0x10ffff;

/** The pattern uses what the model of it does not say: a back reference, a look behind, a word boundary. */
export class PatternNotKnown extends Error {}

/** A regular expression, read. A class is sorted pairs of first and last code point. */
export type PatternNode =
  | { readonly op: 'class'; readonly ranges: readonly number[] }
  | { readonly op: 'start' | 'end' }
  | { readonly op: 'look'; readonly wanted: boolean; readonly of: PatternNode }
  | { readonly op: 'sequence' | 'choice'; readonly of: readonly PatternNode[] }
  | { readonly op: 'times'; readonly of: PatternNode; readonly least: number; readonly most: number };

/** Reads a regular expression of ECMAScript that `RegExp` takes. Throws {@link PatternNotKnown} for what a node cannot say. */
export function parsePattern(source: string, flags: string): PatternNode {
  return new PatternParser(source, flags.includes('i')).parse();
}

const digit = [0x30, 0x39];
const word = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const space = [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029];
const spaces = [...space, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff];
const lineEnds = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029];
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 };

/** Reads the expression. That it is well-formed is known: `RegExp` has taken it before. */
class PatternParser {
  readonly #letters: readonly string[];
  readonly #ignoreCase: boolean;
  #at = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.#letters = Array.from(source);
    this.#ignoreCase = ignoreCase;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#letters.length) throw new PatternNotKnown('an unexpected end');
    return node;
  }

  #choice(): PatternNode {
    const of = [this.#sequence()];
    while (this.#take('|')) of.push(this.#sequence());
    return of.length === 1 ? (of[0] as PatternNode) : { op: 'choice', of };
  }

  #sequence(): PatternNode {
    const of: PatternNode[] = [];
    while (this.#at < this.#letters.length && this.#peek() !== '|' && this.#peek() !== ')') of.push(this.#quantified(this.#term()));
    return { op: 'sequence', of };
  }

  #term(): PatternNode {
    const letter = this.#next();
    if (letter === '^') return { op: 'start' };
    if (letter === '$') return { op: 'end' };
    if (letter === '.') return { op: 'class', ranges: complement(lineEnds) };
    if (letter === '[') return this.#class();
    if (letter === '(') return this.#group();
    if (letter === '\\') return this.#set(this.#escape());
    return this.#set(single(letter));
  }

  #set(ranges: readonly number[]): PatternNode {
    return { op: 'class', ranges: normalise(this.#ignoreCase ? withOtherCase(ranges) : ranges) };
  }

  #group(): PatternNode {
    let look: boolean | null = null;
    if (this.#take('?')) {
      if (this.#take('=')) look = true;
      else if (this.#take('!')) look = false;
      else if (this.#take('<')) {
        if (this.#peek() === '=' || this.#peek() === '!') throw new PatternNotKnown('a look behind');
        while (this.#next() !== '>');
      } else if (!this.#take(':')) throw new PatternNotKnown('a group with flags');
    }
    const inner = this.#choice();
    if (!this.#take(')')) throw new PatternNotKnown('a group without an end');
    return look === null ? inner : { op: 'look', wanted: look, of: inner };
  }

  #quantified(of: PatternNode): PatternNode {
    let least = 1;
    let most = 1;
    if (this.#take('*')) [least, most] = [0, Infinity];
    else if (this.#take('+')) most = Infinity;
    else if (this.#take('?')) least = 0;
    else if (this.#peek() === '{') {
      const counts = /^\{(\d+)(,?)(\d*)\}/.exec(this.#letters.slice(this.#at, this.#at + 24).join(''));
      if (!counts) return of;
      this.#at += counts[0].length;
      least = Number(counts[1]);
      most = counts[3] ? Number(counts[3]) : counts[2] ? Infinity : least;
    } else return of;
    this.#take('?');
    return { op: 'times', of, least, most };
  }

  #class(): PatternNode {
    const negated = this.#take('^');
    const ranges: number[] = [];
    while (!this.#take(']')) {
      const first = this.#classAtom();
      const isOne = first.length === 2 && first[0] === first[1];
      if (isOne && this.#peek() === '-' && this.#letters[this.#at + 1] !== ']') {
        this.#at += 1;
        const last = this.#classAtom();
        if (last.length !== 2 || last[0] !== last[1]) throw new PatternNotKnown('a range that ends in a class');
        ranges.push(first[0] as number, last[1] as number);
      } else ranges.push(...first);
    }
    const folded = normalise(this.#ignoreCase ? withOtherCase(normalise(ranges)) : ranges);
    return { op: 'class', ranges: negated ? complement(folded) : folded };
  }

  #classAtom(): readonly number[] {
    const letter = this.#next();
    if (letter !== '\\') return single(letter);
    return this.#take('b') ? [8, 8] : this.#escape();
  }

  /** The code points that an escape stands for. */
  #escape(): readonly number[] {
    const letter = this.#next();
    const classes: Readonly<Record<string, readonly number[]>> = { d: digit, w: word, s: spaces };
    const known = classes[letter.toLowerCase()];
    if (known) return letter === letter.toLowerCase() ? known : complement(known);
    if (letter === 'p' || letter === 'P') return this.#property(letter);
    if (letter === 'x') return single(String.fromCodePoint(this.#hex(2)));
    if (letter === 'u') return this.#unicode();
    if (letter === 'c') return [(this.#next().codePointAt(0) as number) % 32].flatMap((code) => [code, code]);
    const control = controls[letter];
    if (control !== undefined) return [control, control];
    if (/[1-9kbB]/.test(letter)) throw new PatternNotKnown(`\\${letter}`);
    return single(letter);
  }

  #unicode(): readonly number[] {
    if (this.#take('{')) {
      let digits = '';
      for (let letter = this.#next(); letter !== '}'; letter = this.#next()) digits += letter;
      return single(String.fromCodePoint(Number.parseInt(digits, 16)));
    }
    const code = this.#hex(4);
    if (code < 0xd800 || code > 0xdbff || this.#peek() !== '\\' || this.#letters[this.#at + 1] !== 'u') return [code, code];
    this.#at += 2;
    const low = this.#hex(4);
    return single(String.fromCharCode(code, low));
  }

  #property(letter: string): readonly number[] {
    const end = this.#letters.indexOf('}', this.#at);
    const name = this.#letters.slice(this.#at, end + 1).join('');
    this.#at = end + 1;
    return propertyRanges(`\\${letter}${name}`);
  }

  #hex(count: number): number {
    const digits = this.#letters.slice(this.#at, this.#at + count).join('');
    this.#at += count;
    if (!/^[0-9a-fA-F]+$/.test(digits)) throw new PatternNotKnown('an escape that is no number');
    return Number.parseInt(digits, 16);
  }

  #peek(): string | undefined {
    return this.#letters[this.#at];
  }

  #next(): string {
    const letter = this.#letters[this.#at];
    if (letter === undefined) throw new PatternNotKnown('an unexpected end');
    this.#at += 1;
    return letter;
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.#at += 1;
    return true;
  }
}

function single(letter: string): number[] {
  const code = letter.codePointAt(0) as number;
  return [code, code];
}

/** Sorted, and joined where they touch. */
function normalise(ranges: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (let at = 0; at < ranges.length; at += 2) pairs.push([ranges[at] as number, ranges[at + 1] as number]);
  pairs.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [first, last] of pairs) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before + 1) joined[joined.length - 1] = Math.max(before, last);
    else joined.push(first, last);
  }
  return joined;
}

function complement(ranges: readonly number[]): number[] {
  const left: number[] = [];
  let from = 0;
  for (let at = 0; at < ranges.length; at += 2) {
    if ((ranges[at] as number) > from) left.push(from, (ranges[at] as number) - 1);
    from = (ranges[at + 1] as number) + 1;
  }
  if (from <= codePointLast) left.push(from, codePointLast);
  return left;
}

function withOtherCase(ranges: readonly number[]): number[] {
  const more = [...ranges];
  for (let code = 0x41; code <= 0x5a; code += 1) {
    if (inRanges(ranges, code)) more.push(code + 32, code + 32);
    if (inRanges(ranges, code + 32)) more.push(code, code);
  }
  return more;
}

const properties = new Map<string, readonly number[]>();

/** Node knows Unicode; it is asked once for each property. */
function propertyRanges(source: string): readonly number[] {
  const known = properties.get(source);
  if (known) return known;
  const expression = new RegExp(`^${source}$`, 'u');
  const ranges: number[] = [];
  for (let code = 0; code <= codePointLast; code += 1) if (expression.test(String.fromCodePoint(code))) ranges.push(code, code);
  const joined = normalise(ranges);
  properties.set(source, joined);
  return joined;
}

export function inRanges(ranges: readonly number[], code: number): boolean {
  for (let at = 0; at < ranges.length; at += 2) {
    if (code < (ranges[at] as number)) return false;
    if (code <= (ranges[at + 1] as number)) return true;
  }
  return false;
}
