import { nearest } from '../lib/nearest.ts';
import { parsePointer } from '../registry/json-pointer.ts';
import { rulePrefix } from '../registry/rules.ts';
import type { SchemaError } from '../registry/validator-runtime.ts';
import type { JsonPath, Segment } from './json-path.ts';
import { declaredNames, type SchemaPart, schemasAt } from './schema-places.ts';

/** What a JSON value is, as a message may say it; `missing` where a rule speaks of a field that is not there. */
export type Kind = 'missing' | 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

/** Why a value does not fit its schema. */
export interface Violation {
  readonly keyword: string;
  readonly message: string;
  /** To the place to mend: the member that is missing or too many, else the value itself. */
  readonly path: JsonPath;
  /** What the value is that the keyword judged. */
  readonly kind: Kind;
}

/**
 * Puts an error of ajv's into the words and paths of a verdict. Neither a value of the message nor an undeclared name gets into the
 * message; a name that `schema` declares may.
 */
export function explain(error: SchemaError, root: unknown, schema?: unknown): Violation {
  const { path, value } = follow(root, error.instancePath);
  const kind = kindOf(value);
  const member = memberOf(error);
  const meant = member !== null && undeclaredBy.has(error.keyword) ? meantName(member, schemasAt(schema, path), value) : null;
  const message = `${messageOf(error, kind)}${meant === null ? '' : `; did you mean ${quoted(meant)}?`}`;
  return { keyword: error.keyword, message, path: member === null ? path : [...path, member], kind };
}

const undeclaredBy: ReadonlySet<string> = new Set(['additionalProperties', 'unevaluatedProperties', 'propertyNames']);
/** A longer name is nobody's slip, and comparing it takes time. */
const nameUnitsMax = 100;

/** The name that was most likely meant: one that the schema declares for this object and that the object does not have. */
function meantName(member: string, parts: readonly SchemaPart[], value: unknown): string | null {
  if (member.length > nameUnitsMax) return null;
  return nearest(
    member,
    [...declaredNames(parts)].filter((name) => !Object.hasOwn(value as object, name)),
  );
}

/** The last error is the outermost cause. That a branch of `if` did not fit says less than why it did not. */
export function causeOf(errors: readonly SchemaError[]): SchemaError {
  let at = errors.length - 1;
  while (at > 0 && errors[at]?.keyword === 'if') at -= 1;
  return errors[at] ?? { keyword: 'schema', schemaPath: '', instancePath: '', params: {} };
}

function follow(root: unknown, pointer: string): { path: JsonPath; value: unknown } {
  const path: Segment[] = [];
  let value = root;
  for (const segment of parsePointer(pointer)) {
    path.push(Array.isArray(value) ? Number(segment) : segment);
    value = (value as Record<string, unknown> | null)?.[segment];
  }
  return { path, value };
}

export function kindOf(value: unknown): Kind {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as Kind;
}

const memberParams: Readonly<Record<string, string>> = {
  required: 'missingProperty',
  dependentRequired: 'missingProperty',
  dependencies: 'missingProperty',
  additionalProperties: 'additionalProperty',
  unevaluatedProperties: 'unevaluatedProperty',
  propertyNames: 'propertyName',
  anyOf: 'missingProperty',
  oneOf: 'missingProperty',
};

/** The member of the judged object that the error is about, null where it is about the value itself. */
function memberOf({ keyword, params }: SchemaError): string | null {
  const name = memberParams[keyword];
  const member = name === undefined ? undefined : params[name];
  return typeof member === 'string' ? member : null;
}

const named: Readonly<Record<Kind, string>> = {
  missing: 'nothing',
  null: 'null',
  boolean: 'a boolean',
  number: 'a number',
  string: 'a string',
  array: 'an array',
  object: 'an object',
};

type Sentence = (params: Readonly<Record<string, unknown>>, kind: Kind) => string;

const comparisons: Readonly<Record<string, string>> = { '>=': 'of at least', '<=': 'of at most', '>': 'greater than', '<': 'less than' };
const aComparison: Sentence = ({ comparison, limit }) => `expected a number ${comparisons[String(comparison)]} ${limit}`;
const aDependency: Sentence = ({ property, missingProperty }) =>
  `expected the member ${quoted(missingProperty)} to be present together with ${quoted(property)}`;
const undeclared: Sentence = () => 'expected no members beyond those that the schema declares';
const anAlternative = (fits: string, none: Sentence): Sentence => {
  return ({ missingProperty, types, values, ...rest }, kind) => {
    if (missingProperty !== undefined)
      return `expected the member ${quoted(missingProperty)} to be present: it tells the alternatives apart`;
    if (types !== undefined) return aType({ type: (types as string).split(',') }, kind);
    if (values !== undefined) return aValue({ allowedValues: JSON.parse(values as string) }, kind);
    return `expected a value that fits ${fits} of the alternatives, found ${named[kind]} that fits ${none(rest, kind)}`;
  };
};
const aValue: Sentence = ({ allowedValues }, kind) => `expected one of ${listed(allowedValues)}, found another value (${named[kind]})`;
const aType: Sentence = ({ type }, kind) => {
  const types = [type].flat();
  const found = kind === 'number' && types.includes('integer') ? 'a number that is not whole' : named[kind];
  return `expected ${types.map(typeName).join(' or ')}, found ${found}`;
};
const tooManyItems: Sentence = ({ limit, len }) => `expected at most ${count(limit ?? len, 'item')}`;

const sentences: Readonly<Record<string, Sentence>> = {
  type: aType,
  enum: aValue,
  const: ({ allowedValue }, kind) => `expected ${listed([allowedValue])}, found another value (${named[kind]})`,
  minimum: aComparison,
  maximum: aComparison,
  exclusiveMinimum: aComparison,
  exclusiveMaximum: aComparison,
  multipleOf: ({ multipleOf }) => `expected a multiple of ${multipleOf}`,
  minLength: ({ limit }) => `expected a string of at least ${count(limit, 'character')}`,
  maxLength: ({ limit }) => `expected a string of at most ${count(limit, 'character')}`,
  pattern: ({ pattern }) => `expected a string that matches ${cut(String(pattern))}`,
  format: ({ format }) => `expected a string in the format ${cut(String(format))}`,
  minItems: ({ limit }) => `expected an array of at least ${count(limit, 'item')}`,
  maxItems: ({ limit }) => `expected an array of at most ${count(limit, 'item')}`,
  uniqueItems: () => 'expected an array without repeated items',
  contains: ({ minContains, maxContains }) =>
    `expected an array with ${range(minContains, maxContains)} of the items that "contains" describes`,
  minProperties: ({ limit }) => `expected an object of at least ${count(limit, 'member')}`,
  maxProperties: ({ limit }) => `expected an object of at most ${count(limit, 'member')}`,
  required: ({ missingProperty }) => `expected the member ${quoted(missingProperty)} to be present`,
  dependentRequired: aDependency,
  dependencies: aDependency,
  additionalProperties: undeclared,
  unevaluatedProperties: undeclared,
  additionalItems: tooManyItems,
  unevaluatedItems: tooManyItems,
  items: tooManyItems,
  propertyNames: () => 'expected a member name that the schema allows',
  'false schema': () => 'expected nothing here',
  anyOf: anAlternative('one', () => 'none'),
  oneOf: anAlternative('exactly one', ({ passingSchemas }) => (passingSchemas === null ? 'none' : 'more than one')),
  not: () => 'expected a value other than those that "not" describes',
};

function messageOf({ keyword, params }: SchemaError, kind: Kind): string {
  if (keyword.startsWith(rulePrefix)) return String(params['message']);
  const sentence = Object.hasOwn(sentences, keyword) ? sentences[keyword] : undefined;
  return sentence ? sentence(params, kind) : `expected what the keyword ${quoted(keyword)} asks for, found ${named[kind]}`;
}

function typeName(type: unknown): string {
  if (type === 'integer') return 'an integer';
  return Object.hasOwn(named, String(type)) ? named[type as Kind] : String(type);
}

function count(limit: unknown, noun: string): string {
  return `${limit} ${noun}${limit === 1 ? '' : 's'}`;
}

function range(least: unknown, most: unknown): string {
  return most === undefined ? `at least ${least as number}` : `${least as number} to ${most as number}`;
}

function listed(values: unknown): string {
  return cut((values as unknown[]).map((value) => JSON.stringify(value)).join(', '));
}

function quoted(name: unknown): string {
  return cut(JSON.stringify(name));
}

/** A schema may list thousands of values; one sentence must not. */
function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
