/** One value of a JSON text, by its place in that text: numbers, escapes and repeated names stay as they were written. */
export interface JsonNode {
  readonly kind: 'object' | 'array' | 'string' | 'number' | 'word';
  readonly from: number;
  readonly to: number;
  /** The member's name as it is meant; null for items and the whole. */
  readonly name: string | null;
  /** Where the member's name stands. */
  readonly nameFrom: number;
  /** RFC 6901, from the top of the text. */
  readonly pointer: string;
  readonly children: readonly JsonNode[];
}

/** The text is not JSON from `at` on, or it is more than is shown as a tree. */
export class JsonTreeError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const depthMax = 300;
const nodesMax = 50_000;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const word = /true|false|null/y;
const space = /[ \t\n\r]*/y;

/** Reads a JSON text without reading its values. Fails with `JsonTreeError`. */
export function parseJsonTree(text: string): JsonNode {
  const reader = new Reader(text);
  const node = reader.value({ name: null, nameFrom: -1, pointer: '' }, 0);
  reader.end();
  return node;
}

type Place = Pick<JsonNode, 'name' | 'nameFrom' | 'pointer'>;

class Reader {
  #at = 0;
  #nodes = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(place: Place, depth: number): JsonNode {
    this.#take(space);
    this.#nodes += 1;
    if (depth > depthMax || this.#nodes > nodesMax) throw new JsonTreeError('This is too large to be shown as a tree', this.#at);
    const from = this.#at;
    const first = this.#text[from];
    const scalar = (kind: JsonNode['kind']) => ({ ...place, kind, from, to: this.#at, children: [] });
    if (first === '{') return this.#members(place, depth);
    if (first === '[') return this.#items(place, depth);
    if (first === '"' && this.#take(string)) return scalar('string');
    if (this.#take(number)) return scalar('number');
    if (this.#take(word)) return scalar('word');
    throw this.#unexpected();
  }

  end(): void {
    this.#take(space);
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  #members(place: Place, depth: number): JsonNode {
    const from = this.#at;
    const children = this.#between('}', () => {
      this.#take(space);
      const nameFrom = this.#at;
      if (!this.#take(string)) throw this.#unexpected();
      const name = JSON.parse(this.#text.slice(nameFrom, this.#at)) as string;
      this.#take(space);
      this.#expect(':');
      return this.value({ name, nameFrom, pointer: `${place.pointer}/${escapeToken(name)}` }, depth + 1);
    });
    return { ...place, kind: 'object', from, to: this.#at, children };
  }

  #items(place: Place, depth: number): JsonNode {
    const from = this.#at;
    const children = this.#between(']', (at) => this.value({ name: null, nameFrom: -1, pointer: `${place.pointer}/${at}` }, depth + 1));
    return { ...place, kind: 'array', from, to: this.#at, children };
  }

  #between(close: string, read: (at: number) => JsonNode): JsonNode[] {
    this.#at += 1;
    this.#take(space);
    const children: JsonNode[] = [];
    if (this.#text[this.#at] !== close) {
      do children.push(read(children.length));
      while (this.#passes(','));
    }
    this.#expect(close);
    return children;
  }

  #passes(mark: string): boolean {
    this.#take(space);
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#passes(mark)) throw this.#unexpected();
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #unexpected(): JsonTreeError {
    return new JsonTreeError(
      this.#at < this.#text.length ? 'This is not JSON from here on' : 'This text ends too early to be JSON',
      this.#at,
    );
  }
}

function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The node that a pointer names, or the nearest one around where it would be. */
export function nodeAt(root: JsonNode, pointer: string): JsonNode {
  let node = root;
  for (;;) {
    const next = node.children.find((child) => pointer === child.pointer || pointer.startsWith(`${child.pointer}/`));
    if (!next) return node;
    node = next;
  }
}
