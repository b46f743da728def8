import { isDeepStrictEqual } from 'node:util';
import { assert } from '../lib/assert.ts';

/** A value in a JSON text: from its first character up to and without `end`. */
export interface JsonToken {
  readonly start: number;
  readonly end: number;
  /** Of an object, in the order of the text; null for any other value. */
  readonly members: readonly JsonMember[] | null;
  /** Of an array; null for any other value. */
  readonly items: readonly JsonToken[] | null;
}

/** A member of an object, with the place of its name, quotes included. */
export interface JsonMember {
  readonly name: string;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly value: JsonToken;
}

/** Other characters for those from `start` up to and without `end`. */
export interface JsonChange {
  readonly start: number;
  readonly end: number;
  readonly json: string;
}

/** The segments of a JSON Pointer. */
export type Segments = readonly string[];

/**
 * A JSON text that can be edited in place: what an edit does not name keeps every character, spellings of numbers, escapes, blanks and the
 * order of members included. Immutable: an edit gives a new text. The text must be one that `JSON.parse` takes; values that are put in
 * are JSON texts too, so that no digit is lost on the way. An edit of a place that is not there is null.
 */
export class JsonText {
  readonly text: string;
  #root: JsonToken | null = null;

  constructor(text: string) {
    this.text = text;
  }

  get root(): JsonToken {
    this.#root ??= new TokenReader(this.text).read();
    return this.#root;
  }

  /** The value that the segments lead to; null where there is none. */
  at(segments: Segments): JsonToken | null {
    let token: JsonToken | null = this.root;
    for (const segment of segments) {
      if (token === null) return null;
      token = childOf(token, segment);
    }
    return token;
  }

  /** A value as it is written. */
  source({ start, end }: JsonToken): string {
    return this.text.slice(start, end);
  }

  value(token: JsonToken): unknown {
    return JSON.parse(this.source(token)) as unknown;
  }

  replace(segments: Segments, json: string): JsonText | null {
    const token = this.at(segments);
    return token && this.#splice(token.start, token.end, json);
  }

  /**
   * Puts a member behind the others of its object, or in the place of the one of that name; an item before the one with that index, or
   * at the end for `-`.
   */
  insert(segments: Segments, json: string): JsonText | null {
    const name = segments.at(-1);
    if (name === undefined) return this.replace(segments, json);
    const parent = this.at(segments.slice(0, -1));
    if (parent?.members) {
      if (childOf(parent, name)) return this.replace(segments, json);
      return this.#append(parent, parent.members.at(-1)?.value, `${JSON.stringify(name)}:${json}`);
    }
    if (!parent?.items) return null;
    const index = name === '-' ? parent.items.length : indexOf(name);
    if (index === null || index > parent.items.length) return null;
    const next = parent.items[index];
    return next ? this.#splice(next.start, next.start, `${json},`) : this.#append(parent, parent.items.at(-1), json);
  }

  /** Takes a member or an item out, with the comma that it no longer needs. */
  remove(segments: Segments): JsonText | null {
    const parent = this.at(segments.slice(0, -1));
    const name = segments.at(-1);
    const token = name !== undefined && parent ? childOf(parent, name) : null;
    if (!parent || !token) return null;
    const spans = parent.members
      ? parent.members.map(({ nameStart, value }) => ({ start: nameStart, end: value.end }))
      : (parent.items as readonly JsonToken[]);
    const index = spans.findIndex(({ end }) => end === token.end);
    const [before, span, after] = [spans[index - 1], spans[index], spans[index + 1]];
    assert(span !== undefined, 'a child is among the children of its parent');
    if (after) return this.#splice(span.start, after.start, '');
    return this.#splice(before ? before.end : span.start, span.end, '');
  }

  /** Gives a member another name; null where the object has a member of that name already. */
  rename(segments: Segments, name: string): JsonText | null {
    const parent = this.at(segments.slice(0, -1));
    const member = parent?.members?.find((candidate) => candidate.name === segments.at(-1));
    if (!member || parent?.members?.some((candidate) => candidate.name === name)) return null;
    return this.#splice(member.nameStart, member.nameEnd, JSON.stringify(name));
  }

  /** Is the value there equal to that of a JSON text? Numbers are equal where their spelling is, or where both are exact. */
  equals(token: JsonToken, json: string): boolean {
    if (this.source(token) === json) return true;
    const [one, other] = [this.value(token), JSON.parse(json) as unknown];
    if (typeof one === 'number' && !Number.isSafeInteger(one) && Number.isInteger(one)) return false;
    return isDeepStrictEqual(one, other);
  }

  /** Makes all of these changes, which must not overlap, at once. */
  change(changes: readonly JsonChange[]): JsonText {
    let text = '';
    let at = 0;
    for (const { start, end, json } of [...changes].sort((one, other) => one.start - other.start)) {
      text += this.text.slice(at, start) + json;
      at = end;
    }
    return new JsonText(text + this.text.slice(at));
  }

  #append(parent: JsonToken, last: JsonToken | undefined, json: string): JsonText {
    return last ? this.#splice(last.end, last.end, `,${json}`) : this.#splice(parent.start + 1, parent.start + 1, json);
  }

  #splice(start: number, end: number, json: string): JsonText {
    return new JsonText(this.text.slice(0, start) + json + this.text.slice(end));
  }
}

function childOf(token: JsonToken, segment: string): JsonToken | null {
  if (token.members) return token.members.find(({ name }) => name === segment)?.value ?? null;
  const index = token.items ? indexOf(segment) : null;
  return index === null ? null : (token.items?.[index] ?? null);
}

function indexOf(segment: string): number | null {
  return /^(?:0|[1-9]\d{0,8})$/.test(segment) ? Number(segment) : null;
}

const blank = /[ \t\n\r]*/y;
const scalar = /"[^"\\]*(?:\\.[^"\\]*)*"|[^,\]} \t\n\r]+/y;

/** Reads the tokens of a text that is known to be JSON. */
class TokenReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonToken {
    this.#take(blank);
    const start = this.#at;
    const first = this.#text[start];
    if (first !== '{' && first !== '[') {
      this.#take(scalar);
      return { start, end: this.#at, members: null, items: null };
    }
    this.#at += 1;
    const members: JsonMember[] = [];
    const items: JsonToken[] = [];
    for (this.#take(blank); !this.#ends(); this.#take(blank)) {
      if (first === '{') members.push(this.#member());
      else items.push(this.read());
      this.#take(blank);
      if (this.#text[this.#at] === ',') this.#at += 1;
    }
    this.#at += 1;
    return first === '{' ? { start, end: this.#at, members, items: null } : { start, end: this.#at, members: null, items };
  }

  #member(): JsonMember {
    const nameStart = this.#at;
    this.#take(scalar);
    const nameEnd = this.#at;
    const name = JSON.parse(this.#text.slice(nameStart, nameEnd)) as string;
    this.#take(blank);
    this.#at += 1;
    return { name, nameStart, nameEnd, value: this.read() };
  }

  #ends(): boolean {
    const next = this.#text[this.#at];
    assert(next !== undefined, 'a text that is edited is JSON');
    return next === '}' || next === ']';
  }

  #take(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
  }
}
