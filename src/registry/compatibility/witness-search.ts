import { isKeywords } from '../schema-document.ts';
import { formatSamples, hasFormat } from './known-formats.ts';

export interface WitnessSearch {
  readonly accepts: (document: unknown) => boolean;
  readonly refuses: (document: unknown) => boolean;
  /** Both schemas: their limits, names and examples are what documents are made of. */
  readonly schemas: readonly unknown[];
  /** Documents to start with. */
  readonly seeds: readonly unknown[];
  /** A text that matches a pattern, if one is known. */
  readonly textFor: (pattern: string) => string | null;
  readonly rounds: number;
}

const corpusMax = 300;
const textLengthMax = 100_000;

/** Looks for a document that is accepted and refused, by changing documents that are accepted. The same search takes the same way. */
export function searchWitness({ accepts, refuses, schemas, seeds, textFor, rounds }: WitnessSearch): { readonly document: unknown } | null {
  const materials = materialsOf(schemas, textFor);
  const random = randomNumbers(0x5eed);
  const corpus: unknown[] = [];
  const tried = new Set<string>();
  const meets = (document: unknown): boolean => {
    const key = JSON.stringify(document);
    if (tried.has(key)) return false;
    tried.add(key);
    if (!accepts(document)) return false;
    if (corpus.length < corpusMax) corpus.push(document);
    return refuses(document);
  };
  for (const document of [...seeds, ...materials.values]) if (meets(document)) return { document };
  for (let round = 0; round < rounds; round += 1) {
    let document = corpus.length > 0 ? corpus[Math.floor(random() * corpus.length)] : {};
    for (let times = 1 + Math.floor(random() * 3); times > 0; times -= 1) document = changed(document, materials, random);
    if (meets(document)) return { document };
  }
  return null;
}

/** The document with everything left out that it can do without and still be a witness. */
export function smallestWitness(document: unknown, isWitness: (document: unknown) => boolean): unknown {
  for (const smaller of smallerThan(document)) if (isWitness(smaller)) return smallestWitness(smaller, isWitness);
  return document;
}

function* smallerThan(document: unknown): Generator {
  if (Array.isArray(document)) {
    for (const [index, item] of document.entries()) {
      yield document.toSpliced(index, 1);
      for (const smaller of smallerThan(item)) yield document.with(index, smaller);
    }
  } else if (isKeywords(document)) {
    for (const [name, part] of Object.entries(document)) {
      yield Object.fromEntries(Object.entries(document).filter(([other]) => other !== name));
      for (const smaller of smallerThan(part)) yield { ...document, [name]: smaller };
    }
  }
}

interface Materials {
  readonly values: readonly unknown[];
  readonly names: readonly string[];
}

function materialsOf(schemas: readonly unknown[], textFor: (pattern: string) => string | null): Materials {
  const values = new Map<string, unknown>();
  const names = new Set(['dq_other']);
  const add = (...more: unknown[]) => {
    for (const value of more) values.set(JSON.stringify(value), value);
  };
  add({}, [], '', 'a', 0, 1, -1, 1.5, true, false, null, [null], [0, 0], { dq_other: 1 });
  const visit = (part: unknown, keyword: string): void => {
    if (typeof part === 'number') add(part, part + 1, part - 1, part + 0.5, part * 2, ...lengths(part, keyword));
    if (keyword === 'pattern' && typeof part === 'string') add(textFor(part) ?? '');
    if (keyword === 'format' && typeof part === 'string') add(...formatSamples(part).filter((sample) => hasFormat(part, sample)));
    if (keyword === 'const' || keyword === 'default') add(part);
    if ((keyword === 'enum' || keyword === 'examples') && Array.isArray(part)) add(...part);
    if (Array.isArray(part)) for (const inner of part) visit(inner, keyword === 'required' ? 'required' : '');
    if (keyword === 'required' && typeof part === 'string') names.add(part);
    if (!isKeywords(part)) return;
    for (const [name, inner] of Object.entries(part)) {
      if (keyword === 'properties' || keyword === 'dependencies' || keyword.startsWith('dependent')) names.add(name);
      if (keyword === 'patternProperties') names.add(textFor(name) ?? name);
      visit(inner, name);
    }
  };
  for (const schema of schemas) visit(schema, '');
  names.delete('__proto__');
  return { values: [...values.values()], names: [...names] };
}

function lengths(limit: number, keyword: string): string[] {
  if (!keyword.endsWith('Length') || limit > textLengthMax) return [];
  return [limit - 1, limit, limit + 1].filter((length) => length >= 0).map((length) => 'a'.repeat(length));
}

/** A copy with one thing different, somewhere. */
function changed(document: unknown, materials: Materials, random: () => number): unknown {
  const pick = <Each>(list: readonly Each[]): Each => list[Math.floor(random() * list.length)] as Each;
  const inside = typeof document === 'object' && document !== null && random() < 0.9;
  if (!inside) return pick(materials.values);
  if (Array.isArray(document)) {
    const way = random();
    if (document.length === 0 || way < 0.25) return [...document, pick(materials.values)];
    const index = Math.floor(random() * document.length);
    if (way < 0.4) return document.toSpliced(index, 1);
    if (way < 0.55) return [...document, document[index]];
    return document.with(index, changed(document[index], materials, random));
  }
  const members = { ...(document as Record<string, unknown>) };
  const own = Object.keys(members);
  const way = random();
  if (own.length === 0 || way < 0.4) return { ...members, [pick(materials.names)]: pick(materials.values) };
  const name = pick(own);
  if (way < 0.6) return Object.fromEntries(Object.entries(members).filter(([other]) => other !== name));
  return { ...members, [name]: changed(members[name], materials, random) };
}

/** Mulberry32: small, and the same everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
