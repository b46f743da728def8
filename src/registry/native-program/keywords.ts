import type { Draft } from '../schema-document.ts';
import { nativeFormat } from './formats.ts';
import { NotTaken } from './not-taken.ts';
import { everyKind, kindBits, type NodeReference, type ObjectNode, type ProgramNode, type StringNode } from './program.ts';

/** What the keywords need of the compiler of a whole schema. */
export interface Compiling {
  readonly draft: Draft;
  node(schema: unknown, path: readonly string[]): NodeReference;
  reference(schema: Readonly<Record<string, unknown>>, path: readonly string[]): NodeReference;
  add(node: ProgramNode): number;
  /** The number of a pattern by its table, or by its source, which may be declined. */
  pattern(table: string): number;
  expression(source: string, path: readonly string[]): number;
}

interface Part {
  readonly compiling: Compiling;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly path: readonly string[];
}

const typeBits: Readonly<Record<string, number>> = {
  object: kindBits.object,
  array: kindBits.array,
  string: kindBits.string,
  number: kindBits.fraction | kindBits.integer,
  integer: kindBits.integer,
  boolean: kindBits.boolean,
  null: kindBits.null,
};

/** `type`. */
export function kindsOf(node: ProgramNode, { schema, path }: Part): void {
  if (schema['type'] === undefined) return;
  node.kinds = [schema['type']].flat().reduce((sum: number, type: unknown) => {
    const bits = typeof type === 'string' && Object.hasOwn(typeBits, type) ? typeBits[type] : undefined;
    if (bits === undefined) throw new NotTaken([...path, 'type'], 'it is not a type');
    return sum | bits;
  }, 0);
}

/** `enum` and `const`. */
export function valuesOf(node: ProgramNode, { compiling, schema, path }: Part): void {
  const lists: (readonly unknown[])[] = [];
  if (schema['enum'] !== undefined) lists.push(listAt(schema['enum'], [...path, 'enum']));
  if (Object.hasOwn(schema, 'const')) lists.push([schema['const']]);
  for (const values of lists) {
    refuseLargeNumbers(values, path);
    if (node.values === undefined) node.values = values;
    else (node.allOf ??= []).push(compiling.add({ values }));
  }
}

/** The numeric keywords, and the formats of numbers. */
export function numberRules(node: ProgramNode, { schema, path }: Part): void {
  const rules = {
    ...numberAt('min', schema, 'minimum', path),
    ...numberAt('max', schema, 'maximum', path),
    ...numberAt('above', schema, 'exclusiveMinimum', path),
    ...numberAt('below', schema, 'exclusiveMaximum', path),
    ...numberAt('multiple', schema, 'multipleOf', path),
  };
  if (rules.multiple !== undefined && rules.multiple <= 0) throw new NotTaken([...path, 'multipleOf'], 'it is not above 0');
  const { format } = schema;
  if (format === 'int32' || format === 'int64') node.kinds = (node.kinds ?? everyKind) & ~kindBits.fraction;
  if (format === 'int32') {
    rules.min = Math.max(rules.min ?? -(2 ** 31), -(2 ** 31));
    rules.max = Math.min(rules.max ?? 2 ** 31 - 1, 2 ** 31 - 1);
  }
  if (Object.keys(rules).length > 0) node.number = rules;
}

/** The keywords of strings. */
export function stringRules(node: ProgramNode, { compiling, schema, path }: Part): void {
  const patterns: number[] = [];
  const { pattern } = schema;
  if (pattern !== undefined) {
    if (typeof pattern !== 'string') throw new NotTaken([...path, 'pattern'], 'it is not a text');
    patterns.push(compiling.expression(pattern, [...path, 'pattern']));
  }
  const rules: StringNode = { ...countAt('min', schema, 'minLength', path), ...countAt('max', schema, 'maxLength', path) };
  const formats = formatRules({ compiling, schema, path }, patterns);
  if (patterns.length > 0) rules.patterns = patterns;
  if (formats.length > 0) rules.formats = formats;
  if (Object.keys(rules).length > 0) node.string = rules;
}

/** The formats that are known by name; those that are patterns are added to `patterns`. */
function formatRules({ compiling, schema, path }: Part, patterns: number[]): string[] {
  const { format } = schema;
  if (format === undefined) return [];
  // ajv looks formats up in an object that has inherited members.
  if (typeof format !== 'string' || format in {}) throw new NotTaken([...path, 'format'], 'it is not a name');
  const native = nativeFormat(format);
  if (native === null) return [];
  if ('declined' in native) throw new NotTaken([...path, 'format'], native.declined);
  if ('counted' in native) return [native.counted];
  patterns.push(...native.tables.map(({ table }) => compiling.pattern(table)));
  return [];
}

/** The keywords of arrays. */
export function arrayRules(node: ProgramNode, { compiling, schema, path }: Part): void {
  const { draft } = compiling;
  const rules: ProgramNode['array'] = { ...countAt('min', schema, 'minItems', path), ...countAt('max', schema, 'maxItems', path) };
  const tuple = draft === '2020-12' ? 'prefixItems' : Array.isArray(schema['items']) ? 'items' : null;
  const rest = draft === '2020-12' || tuple === null ? 'items' : 'additionalItems';
  if (tuple !== null && schema[tuple] !== undefined) {
    rules.prefix = listAt(schema[tuple], [...path, tuple]).map((item, at) => compiling.node(item, [...path, tuple, String(at)]));
  }
  if (schema[rest] !== undefined) rules.items = compiling.node(schema[rest], [...path, rest]);
  if (schema['uniqueItems'] === true) rules.unique = true;
  if (schema['contains'] !== undefined) {
    rules.contains = compiling.node(schema['contains'], [...path, 'contains']);
    if (draft !== 'draft-07') {
      Object.assign(rules, countAt('containsMin', schema, 'minContains', path), countAt('containsMax', schema, 'maxContains', path));
    }
  }
  if (Object.keys(rules).length > 0) node.array = rules;
}

/** As cc/program.h has it. */
const namesMax = 1_024;

/** The keywords of objects, but for those that are conditions in disguise. */
export function objectRules(node: ProgramNode, { compiling, schema, path }: Part): void {
  const rules: ObjectNode = { ...countAt('min', schema, 'minProperties', path), ...countAt('max', schema, 'maxProperties', path) };
  const properties = schemasAt(schema, 'properties', path);
  const required = schema['required'] === undefined ? [] : namesAt(schema['required'], [...path, 'required']);
  const names = [...new Set([...properties.keys(), ...required])];
  if (names.length > namesMax) throw new NotTaken(path, `it names more than ${namesMax} members`);
  if (names.length > 0) {
    rules.names = names;
    rules.properties = names.map((name) =>
      properties.has(name) ? compiling.node(properties.get(name), [...path, 'properties', name]) : null,
    );
  }
  if (required.length > 0) rules.required = required.map((name) => names.indexOf(name));
  const patterns = schemasAt(schema, 'patternProperties', path);
  if (patterns.size > 0) {
    rules.patterns = [...patterns].map(([source, inner]) => {
      const place = [...path, 'patternProperties', source];
      return [compiling.expression(source, place), compiling.node(inner, place)] as const;
    });
  }
  const { additionalProperties, propertyNames } = schema;
  if (additionalProperties !== undefined) rules.additional = compiling.node(additionalProperties, [...path, 'additionalProperties']);
  if (propertyNames !== undefined) rules.propertyNames = compiling.node(propertyNames, [...path, 'propertyNames']);
  if (Object.keys(rules).length > 0) node.object = rules;
}

/** What hands the same value on to other schemas. */
export function branches(node: ProgramNode, part: Part): void {
  const { compiling, schema, path } = part;
  const listOf = (keyword: string) =>
    listAt(schema[keyword], [...path, keyword]).map((inner, at) => compiling.node(inner, [...path, keyword, String(at)]));
  if (schema['$ref'] !== undefined) (node.allOf ??= []).push(compiling.reference(schema, path));
  if (schema['allOf'] !== undefined) (node.allOf ??= []).push(...listOf('allOf'));
  if (schema['anyOf'] !== undefined) node.anyOf = [listOf('anyOf')];
  if (schema['oneOf'] !== undefined) node.oneOf = [listOf('oneOf')];
  if (schema['not'] !== undefined) node.not = [compiling.node(schema['not'], [...path, 'not'])];
  const conditions = [...dependencies(part)];
  if (schema['if'] !== undefined) {
    const branch = (keyword: string): NodeReference =>
      schema[keyword] === undefined ? true : compiling.node(schema[keyword], [...path, keyword]);
    conditions.push([branch('if'), branch('then'), branch('else')]);
  }
  if (conditions.length > 0) node.if = conditions;
}

/** `dependencies` and its two heirs: if the object has this member, then it must also be that. */
function* dependencies({ compiling, schema, path }: Part): Generator<[NodeReference, NodeReference, NodeReference]> {
  const keywords = compiling.draft === 'draft-07' ? ['dependencies'] : ['dependencies', 'dependentRequired', 'dependentSchemas'];
  for (const keyword of keywords) {
    for (const [name, then] of schemasAt(schema, keyword, path)) {
      const place = [...path, keyword, name];
      const test = compiling.add({ kinds: kindBits.object, object: requiring([name]) });
      const branch = Array.isArray(then) ? compiling.add({ object: requiring(namesAt(then, place)) }) : compiling.node(then, place);
      yield [test, branch, true];
    }
  }
}

function requiring(required: readonly string[]): ObjectNode {
  const names = [...new Set(required)];
  return { names, required: [...names.keys()] };
}

function schemasAt(schema: Part['schema'], keyword: string, path: readonly string[]): ReadonlyMap<string, unknown> {
  const value = schema[keyword];
  if (value === undefined) return new Map();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NotTaken([...path, keyword], 'it is not an object');
  return new Map(Object.entries(value));
}

function listAt(value: unknown, path: readonly string[]): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new NotTaken(path, 'it is not a list');
  return value;
}

function namesAt(value: unknown, path: readonly string[]): readonly string[] {
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) throw new NotTaken(path, 'it is not a list of names');
  if (value.includes('')) throw new NotTaken(path, 'ajv does not ask for a member with an empty name');
  return value;
}

function numberAt<Name extends string>(
  name: Name,
  schema: Part['schema'],
  keyword: string,
  path: readonly string[],
): { [key in Name]?: number } {
  const value = schema[keyword];
  if (value === undefined) return {};
  if (typeof value !== 'number') throw new NotTaken([...path, keyword], 'it is not a number');
  refuseLargeNumbers(value, [...path, keyword]);
  return { [name]: value } as { [key in Name]?: number };
}

function countAt<Name extends string>(
  name: Name,
  schema: Part['schema'],
  keyword: string,
  path: readonly string[],
): { [key in Name]?: number } {
  const value = schema[keyword];
  if (value !== undefined && (!Number.isSafeInteger(value) || (value as number) < 0)) {
    throw new NotTaken([...path, keyword], 'it is not a count');
  }
  return numberAt(name, schema, keyword, path);
}

/** Beyond 2^53 integers are not told apart for sure. */
function refuseLargeNumbers(value: unknown, path: readonly string[]): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new NotTaken(path, 'it holds an integer beyond 2^53');
  }
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) refuseLargeNumbers(inner, path);
}
