import type { JsonPath, Segment } from './json-path.ts';

/** What a walk tells of. `path` is the walk's own and changes as it goes on. True stops the walk. */
export interface JsonVisitor {
  /** The name of a member has been read; `path` ends with it. `repeated`: the same object had that name before. */
  member?(path: JsonPath, repeated: boolean): boolean;
  /** A string, number, boolean or null stands in the text from `start` to `end`. */
  scalar?(path: JsonPath, start: number, end: number): boolean;
}

/** How a walk ended when it did not meet a fault. */
export const walked = { whole: -1, stopped: -2 } as const;

/**
 * Walks the text exactly by RFC 8259, slowly and in order. It sees what `JSON.parse` hides: repeated names, the spelling of numbers,
 * and where a text breaks. Returns one of {@link walked}, or the position of the first character that cannot stand there.
 */
export function walkJson(text: string, visitor: JsonVisitor): number {
  return new Walk(text, visitor).run();
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** State: a position, and for each open container its segment of the path and, for an object, the names it had. */
class Walk {
  readonly #text: string;
  readonly #visitor: JsonVisitor;
  readonly #path: Segment[] = [];
  readonly #names: (Set<string> | null)[] = [];
  #at = 0;

  constructor(text: string, visitor: JsonVisitor) {
    this.#text = text;
    this.#visitor = visitor;
  }

  run(): number {
    for (;;) {
      const stop = this.#value() ?? this.#afterValue();
      if (stop !== null) return stop;
    }
  }

  /** Reads a scalar or an empty container whole; goes into other containers up to their first such value. */
  #value(): number | null {
    for (;;) {
      this.#space();
      const first = this.#text[this.#at];
      if (first !== '{' && first !== '[') {
        const start = this.#at;
        if (!this.#scalar()) return this.#at;
        return this.#visitor.scalar?.(this.#path, start, this.#at) ? walked.stopped : null;
      }
      const isObject = first === '{';
      this.#at += 1;
      this.#space();
      if (this.#text[this.#at] === (isObject ? '}' : ']')) {
        this.#at += 1;
        return null;
      }
      this.#names.push(isObject ? new Set() : null);
      this.#path.push(isObject ? '' : 0);
      const stop = isObject ? this.#name() : null;
      if (stop !== null) return stop;
    }
  }

  /** Closes what ends here and goes on to the next value; a number when the walk is over. */
  #afterValue(): number | null {
    for (;;) {
      this.#space();
      const names = this.#names.at(-1);
      if (names === undefined) return this.#at === this.#text.length ? walked.whole : this.#at;
      const next = this.#text[this.#at];
      if (next === ',') {
        this.#at += 1;
        if (names) return this.#name();
        this.#path.push((this.#path.pop() as number) + 1);
        return null;
      }
      if (next !== (names ? '}' : ']')) return this.#at;
      this.#at += 1;
      this.#names.pop();
      this.#path.pop();
    }
  }

  #name(): number | null {
    this.#space();
    const start = this.#at;
    if (this.#text[start] !== '"' || !this.#string()) return this.#at;
    const raw = this.#text.slice(start, this.#at);
    const name: string = raw.includes('\\') ? JSON.parse(raw) : raw.slice(1, -1);
    this.#space();
    if (this.#text[this.#at] !== ':') return this.#at;
    this.#at += 1;
    const names = this.#names.at(-1) as Set<string>;
    this.#path[this.#path.length - 1] = name;
    if (this.#visitor.member?.(this.#path, names.has(name))) return walked.stopped;
    names.add(name);
    return null;
  }

  #space(): void {
    for (; this.#at < this.#text.length; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  #scalar(): boolean {
    if (this.#text[this.#at] === '"') return this.#string();
    const word = ['true', 'false', 'null'].find((literal) => this.#text.startsWith(literal, this.#at));
    if (word) {
      this.#at += word.length;
      return true;
    }
    return this.#match(numberPattern);
  }

  #string(): boolean {
    this.#at += 1;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        this.#at += 1;
        return true;
      }
      if (code === 0x5c) {
        if (!this.#match(escapePattern)) return false;
      } else if (code >= 0x20) this.#at += 1;
      else return false;
    }
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }
}
