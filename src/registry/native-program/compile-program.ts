import { parsePointer } from '../json-pointer.ts';
import type { Draft } from '../schema-document.ts';
import { arrayRules, branches, type Compiling, kindsOf, numberRules, objectRules, stringRules, valuesOf } from './keywords.ts';
import { NotTaken } from './not-taken.ts';
import { compilePattern } from './pattern-dfa.ts';
import type { NativeProgram, NodeReference, ProgramNode } from './program.ts';

/** The text of a native program, or why the native engine does not take the schema: the keyword, its place, the reason. */
export type NativeCompilation = { readonly program: string } | { readonly declined: string };

/**
 * Compiles a schema for the native engine. `schema` compiles in ajv and was through `withStandardSemantics`. Whatever is not known to
 * mean here exactly what it means to ajv, with the options of compiler.ts, is declined: then ajv judges alone.
 */
export function compileProgram(schema: unknown, draft: Draft): NativeCompilation {
  try {
    refuseOddTexts(schema);
    const program = new ProgramBuilder(schema, draft).build();
    refuseLoops(program);
    return { program: JSON.stringify(program) };
  } catch (error) {
    if (error instanceof NotTaken) return { declined: error.message };
    throw error;
  }
}

/** State: the nodes so far. A schema that is reached twice, by references or by itself, is one node. */
class ProgramBuilder implements Compiling {
  readonly draft: Draft;
  readonly #root: unknown;
  readonly #nodes: ProgramNode[] = [];
  readonly #numbers = new Map<object, number>();
  readonly #patterns = new Map<string, number>();
  #patternCharacters = 0;
  #referencesOpen = 0;

  constructor(root: unknown, draft: Draft) {
    this.#root = root;
    this.draft = draft;
  }

  build(): NativeProgram {
    const start = this.#fresh(this.#root, []);
    if (start !== 0) throw new Error('the first node is the one that judges the document');
    return { nodes: this.#nodes, patterns: [...this.#patterns.keys()] };
  }

  node(schema: unknown, path: readonly string[]): NodeReference {
    if (schema === true || (isObject(schema) && Object.keys(schema).length === 0)) return true;
    if (isObject(schema) && typeof schema['$ref'] === 'string' && (this.draft === 'draft-07' || Object.keys(schema).length === 1)) {
      return this.reference(schema, path);
    }
    return this.#fresh(schema, path);
  }

  add(node: ProgramNode): number {
    this.#nodes.push(node);
    return this.#nodes.length - 1;
  }

  pattern(table: string): number {
    const number = this.#patterns.get(table) ?? this.#patterns.size;
    this.#patterns.set(table, number);
    return number;
  }

  expression(source: string, path: readonly string[]): number {
    const compiled = compilePattern(source, 'u');
    if ('declined' in compiled) throw new NotTaken(path, compiled.declined);
    if (!this.#patterns.has(compiled.table)) this.#patternCharacters += compiled.table.length;
    if (this.#patternCharacters > patternCharactersMax) throw new NotTaken(path, 'with the patterns before it, it needs too much memory');
    return this.pattern(compiled.table);
  }

  /** Where a `$ref` leads: inside the document, by a pointer that is spelled plainly. Everything else is for ajv. */
  reference(schema: Readonly<Record<string, unknown>>, path: readonly string[]): NodeReference {
    const place = [...path, '$ref'];
    const reference = String(schema['$ref']);
    // ajv ignores the neighbours of a reference in draft-07, but not always that of `type`.
    if (this.draft === 'draft-07' && schema['type'] !== undefined) throw new NotTaken(place, 'it stands beside "type"');
    if (!/^#(?:\/[\w.$~-]+)*$/.test(reference)) throw new NotTaken(place, 'only plain pointers inside the schema are followed');
    let target = this.#root;
    const pointer = parsePointer(reference.slice(1));
    for (const segment of pointer) {
      if (!isObject(target) && !Array.isArray(target)) throw new NotTaken(place, 'it leads nowhere');
      if (!Object.hasOwn(target, segment)) throw new NotTaken(place, 'it leads nowhere');
      target = (target as Record<string, unknown>)[segment];
    }
    if (pointer.length === 0) return 0;
    if (this.#referencesOpen === referencesMax) throw new NotTaken(place, 'the references lead too far');
    this.#referencesOpen += 1;
    const node = this.node(target, pointer);
    this.#referencesOpen -= 1;
    return node;
  }

  #fresh(schema: unknown, path: readonly string[]): number {
    if (typeof schema === 'boolean') return this.add(schema ? {} : { kinds: 0 });
    if (!isObject(schema)) throw new NotTaken(path, 'it is not a schema');
    const known = this.#numbers.get(schema);
    if (known !== undefined) return known;
    const node: ProgramNode = {};
    const number = this.add(node);
    this.#numbers.set(schema, number);
    const onlyReference = this.draft === 'draft-07' && typeof schema['$ref'] === 'string';
    if (onlyReference) node.allOf = [this.reference(schema, path)];
    else fill(node, { compiling: this, schema, path });
    return number;
  }
}

interface Part {
  readonly compiling: Compiling;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly path: readonly string[];
}

function fill(node: ProgramNode, part: Part): void {
  const { compiling, schema, path } = part;
  for (const keyword of Object.keys(schema)) {
    if (foreign.has(keyword) || (compiling.draft !== 'draft-07' && dynamic.has(keyword))) {
      throw new NotTaken([...path, keyword], 'the native engine does not know this keyword');
    }
  }
  kindsOf(node, part);
  numberRules(node, part);
  stringRules(node, part);
  arrayRules(node, part);
  objectRules(node, part);
  valuesOf(node, part);
  branches(node, part);
}

/** References inside each other: a schema can refer to itself, but not without end. */
const referencesMax = 200;
/** Of the tables of all patterns of a schema, in base64: 6 MiB of memory in each thread. */
const patternCharactersMax = 8 * 2 ** 20;

/** What ajv gives a meaning of its own; here only where a reference leads to what was no schema before. */
const foreign: ReadonlySet<string> = new Set(['nullable', '$async', 'id']);

/** What the later drafts know beyond the keywords of keywords.ts; to draft-07 these are annotations. */
const dynamic: ReadonlySet<string> = new Set([
  '$anchor',
  '$dynamicAnchor',
  '$dynamicRef',
  '$recursiveAnchor',
  '$recursiveRef',
  'unevaluatedItems',
  'unevaluatedProperties',
]);

/** Texts that one of the two engines reads in its own way; who means them well has other names for things. */
function refuseOddTexts(schema: unknown): void {
  const text = JSON.stringify(schema);
  if (text.includes('__proto__')) throw new NotTaken([], 'it speaks of __proto__');
  if (/\\ud[89a-f]/.test(text)) throw new NotTaken([], 'it holds half of a surrogate pair');
  const id = isObject(schema) ? schema['$id'] : undefined;
  if (id !== undefined && (typeof id !== 'string' || id.includes('#'))) throw new NotTaken(['$id'], 'it has a fragment');
  refuseInnerIds(schema, []);
}

/** An `$id` within changes where references lead, wherever it stands. */
function refuseInnerIds(part: unknown, path: readonly string[]): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [name, inner] of Object.entries(part)) {
    if (path.length > 0 && name === '$id' && typeof inner === 'string') throw new NotTaken([...path, name], 'it is not the first one');
    refuseInnerIds(inner, [...path, name]);
  }
}

/** A schema that leads to itself for the same value never comes to an end; ajv ends it when its stack does. */
function refuseLoops({ nodes }: NativeProgram): void {
  const done = new Set<number>();
  const open = new Set<number>();
  const visit = (reference: NodeReference): void => {
    if (reference === true || done.has(reference)) return;
    if (open.has(reference)) throw new NotTaken([], 'a reference leads back to its own place');
    open.add(reference);
    const { allOf = [], anyOf = [], oneOf = [], not = [], if: conditions = [] } = nodes[reference] as ProgramNode;
    for (const next of [...allOf, ...anyOf.flat(), ...oneOf.flat(), ...not, ...conditions.flat()]) visit(next);
    open.delete(reference);
    done.add(reference);
  };
  for (const number of nodes.keys()) visit(number);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
