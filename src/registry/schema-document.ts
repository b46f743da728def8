import { formatPointer, parsePointer } from './json-pointer.ts';

/** The two versions that are compared. */
export type Version = 'older' | 'newer';

/** An object of JSON. */
export type Keywords = Readonly<Record<string, unknown>>;

export type Draft = 'draft-07' | '2019-09' | '2020-12';

/** A subschema and where it stands in its document, as a JSON Pointer. */
export interface Place {
  readonly schema: unknown;
  readonly pointer: string;
}

/** Members whose content is data, in which nothing is a schema. */
const notSchemas: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples']);

const rootUri = 'dq://schema/';

/** A JSON Schema with all that its references can lead to. */
export class SchemaDocument {
  readonly root: unknown;
  readonly draft: Draft;
  /** Distinguishes the references of the two documents of a comparison. */
  readonly version: Version;
  readonly #bases = new Map<unknown, string>();
  readonly #places: Place[] = [];
  readonly #named = new Map<string, Place>();
  readonly #dynamicAnchors = new Map<string, number>();
  /** Those below the root: with them, where a recursive reference leads depends on the way to it. */
  #recursiveAnchors = 0;

  constructor(root: unknown, version: Version) {
    this.root = root;
    this.version = version;
    this.draft = draftOf(root);
    this.#named.set(rootUri, { schema: root, pointer: '' });
    this.#index(root, rootUri, []);
  }

  /** Everything in the document that may be a schema, outermost first. */
  places(): readonly Place[] {
    return this.#places;
  }

  /** Where a reference that stands in `from` leads; null if that depends on how the place was reached, or is not in the document. */
  resolve(from: unknown, keyword: string, reference: string): Place | null {
    if (keyword === '$recursiveRef' && this.#recursiveAnchors > 0) return null;
    const target = this.#locate(resolveUri(reference, this.#bases.get(from) ?? rootUri));
    if (target === null || keyword !== '$dynamicRef') return target;
    const anchor = isKeywords(target.schema) ? target.schema['$dynamicAnchor'] : undefined;
    return typeof anchor === 'string' && (this.#dynamicAnchors.get(anchor) ?? 0) > 1 ? null : target;
  }

  #locate(uri: string | null): Place | null {
    if (uri === null) return null;
    const [base = '', fragment = ''] = uri.split('#');
    if (fragment !== '' && !fragment.startsWith('/')) return this.#named.get(uri) ?? null;
    const resource = this.#named.get(base);
    return resource ? descend(resource, parsePointer(decode(fragment))) : null;
  }

  #index(part: unknown, base: string, path: readonly string[]): void {
    if (typeof part !== 'object' || part === null) return;
    let inner = base;
    if (isKeywords(part)) {
      inner = this.#name(part, base, formatPointer(path));
      this.#bases.set(part, inner);
      this.#places.push({ schema: part, pointer: formatPointer(path) });
    }
    for (const [name, value] of Object.entries(part))
      if (!notSchemas.has(name) || path.at(-1) === 'properties') this.#index(value, inner, [...path, name]);
  }

  /** Enters the names that a subschema gives itself, and says what its references are relative to. */
  #name(schema: Keywords, base: string, pointer: string): string {
    const id = schema['$id'];
    const named = typeof id === 'string' && !(this.draft === 'draft-07' && '$ref' in schema) ? resolveUri(id, base) : null;
    if (named !== null) this.#named.set(named.replace(/#$/, ''), { schema, pointer });
    const inner = named === null || named.includes('#') ? base : named;
    if (this.draft === 'draft-07') return inner;
    for (const keyword of ['$anchor', '$dynamicAnchor']) {
      const anchor = schema[keyword];
      if (typeof anchor === 'string') this.#named.set(`${inner}#${anchor}`, { schema, pointer });
    }
    const dynamic = schema['$dynamicAnchor'];
    if (typeof dynamic === 'string') this.#dynamicAnchors.set(dynamic, (this.#dynamicAnchors.get(dynamic) ?? 0) + 1);
    if (schema['$recursiveAnchor'] === true && schema !== this.root) this.#recursiveAnchors += 1;
    return inner;
  }
}

export function isKeywords(value: unknown): value is Keywords {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of an object of JSON; none where it is no object. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isKeywords(value) ? Object.entries(value) : [];
}

function draftOf(root: unknown): Draft {
  const named = isKeywords(root) ? String(root['$schema']) : '';
  return named.includes('2020-12') ? '2020-12' : named.includes('2019-09') ? '2019-09' : 'draft-07';
}

function descend(start: Place, segments: readonly string[]): Place | null {
  let schema = start.schema;
  for (const segment of segments) {
    if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, segment)) return null;
    schema = (schema as Keywords)[segment];
  }
  return { schema, pointer: start.pointer + formatPointer(segments) };
}

function resolveUri(reference: string, base: string): string | null {
  try {
    return new URL(reference, base).href;
  } catch {
    return null;
  }
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
