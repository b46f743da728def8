import { formatPointer, parsePointer } from '../registry/json-pointer.ts';
import type { SchemaError } from '../registry/validator-runtime.ts';
import { type Discriminator, discriminatorOf } from './discriminator.ts';
import { partAt, schemasAt } from './schema-places.ts';

/** What ajv says of one part of a schema that refused: the errors from `from` on, of which the last is the outermost. */
interface Trace {
  readonly error: SchemaError;
  readonly from: number;
  /** One for each branch of an `anyOf` or `oneOf` that no branch of fits; null for any other error. */
  readonly branches: readonly Trace[] | null;
}

/** What is known of an `anyOf` or `oneOf`. */
interface Alternatives {
  readonly branches: readonly unknown[];
  /** By the numbers of the branches that it is asked of. */
  readonly discriminators: Map<string, Discriminator | null>;
}

/** Is that an error that says no more than "none of them"? */
export function isOfAlternatives({ keyword }: SchemaError): boolean {
  return keyword === 'anyOf' || keyword === 'oneOf';
}

/**
 * The cause behind the last of `errors`, which says that no alternative fits: what is wrong with the branch that the value was meant for.
 * That is the one of its kind; else the one that a discriminator names, a member whose allowed values differ from branch to branch; else
 * the one that was followed deepest. Where none stands out, it is the error itself, with what the branches expect between them.
 */
export function narrowed(errors: readonly SchemaError[], schema: unknown, value: unknown): SchemaError {
  const at = errors.length - 1;
  const trace = new TraceReader(errors, schema).read(at);
  // Where the errors do not add up to a whole, nothing is known of which belongs to what.
  return trace?.from === 0 ? causeOfTrace(trace, schema, value) : (errors[at] as SchemaError);
}

class TraceReader {
  readonly #errors: readonly SchemaError[];
  readonly #schema: unknown;

  constructor(errors: readonly SchemaError[], schema: unknown) {
    this.#errors = errors;
    this.#schema = schema;
  }

  /** The trace whose last error stands at `at`; null where its length cannot be told. */
  read(at: number): Trace | null {
    const error = this.#errors[at];
    if (!error) return null;
    if (error.keyword === 'if' || error.keyword === 'propertyNames') {
      const inner = this.read(at - 1);
      return inner && { error, from: inner.from, branches: null };
    }
    if (!isOfAlternatives(error)) return { error, from: at, branches: null };
    const passing = error.params['passingSchemas'];
    const count = Array.isArray(passing) ? Number(passing[1]) - 1 : alternativesOf(this.#schema, error)?.branches.length;
    if (count === undefined) return null;
    const branches: Trace[] = [];
    let from = at;
    while (branches.length < count) {
      const branch = this.read(from - 1);
      if (!branch) return null;
      branches.unshift(branch);
      from = branch.from;
    }
    return { error, from, branches: Array.isArray(passing) ? null : branches };
  }
}

function causeOfTrace({ error, branches }: Trace, schema: unknown, value: unknown): SchemaError {
  if (branches === null) return error;
  if (branches.length === 1) return causeOfTrace(branches[0] as Trace, schema, value);
  const ofKind = branches.filter((branch) => !(branch.error.keyword === 'type' && branch.error.instancePath === error.instancePath));
  if (ofKind.length === 0) return expecting(error, { types: branches.flatMap((branch) => branch.error.params['type']) });
  if (ofKind.length === 1) return causeOfTrace(ofKind[0] as Trace, schema, value);
  const told = byDiscriminator({ error, branches, ofKind }, schema, value);
  if (told) return 'from' in told ? causeOfTrace(told, schema, value) : told;
  const literals = ofKind.map((branch) => literalsOf(branch.error, error.instancePath));
  if (literals.every((values) => values !== null)) return expecting(error, { values: literals.flat() });
  const depths = ofKind.map((branch) => parsePointer(branch.error.instancePath).length);
  const deepest = Math.max(...depths);
  const nearest = ofKind.filter((_, index) => depths[index] === deepest);
  return nearest.length === 1 ? causeOfTrace(nearest[0] as Trace, schema, value) : error;
}

interface Choice {
  readonly error: SchemaError;
  readonly branches: readonly Trace[];
  readonly ofKind: readonly Trace[];
}

/** The branch that the value names; an error at the member that should name one; null where no member tells them apart. */
function byDiscriminator({ error, branches, ofKind }: Choice, schema: unknown, root: unknown): Trace | SchemaError | null {
  const alternatives = alternativesOf(schema, error);
  const path = parsePointer(error.instancePath);
  const value = path.reduce<unknown>((inner, segment) => (inner as Record<string, unknown> | null)?.[segment], root);
  if (!alternatives || typeof value !== 'object' || value === null) return null;
  const numbers = ofKind.map((branch) => branches.indexOf(branch));
  const key = String(numbers);
  let discriminator = alternatives.discriminators.get(key);
  if (discriminator === undefined) {
    const parts = numbers.map((number) => alternatives.branches[number]);
    discriminator = discriminatorOf(schema, parts);
    alternatives.discriminators.set(key, discriminator);
  }
  if (discriminator === null) return null;
  const { member, values } = discriminator;
  if (!Object.hasOwn(value, member)) return { ...error, params: { missingProperty: member } };
  const said = (value as Record<string, unknown>)[member];
  const number = values.findIndex((allowed) => allowed.includes(said));
  if (number >= 0) return ofKind[number] as Trace;
  return { ...expecting(error, { values: values.flat() }), instancePath: error.instancePath + formatPointer([member]) };
}

/** The params are texts, so that two errors of one meaning are known to be equal. */
function expecting(error: SchemaError, { types, values }: { types?: readonly unknown[]; values?: readonly unknown[] }): SchemaError {
  return { ...error, params: types ? { types: [...new Set(types)].join(',') } : { values: JSON.stringify([...new Set(values)]) } };
}

/** The values that an error asks for at that very place, null where it asks for something else. */
function literalsOf({ keyword, instancePath, params }: SchemaError, place: string): readonly unknown[] | null {
  if (instancePath !== place) return null;
  if (keyword === 'const') return [params['allowedValue']];
  return keyword === 'enum' ? (params['allowedValues'] as readonly unknown[]) : null;
}

const knownAlternatives = new WeakMap<object, Map<string, Alternatives | null>>();
const knownMax = 1_000;

/** The branches that an error speaks of. ajv names a place in the schema that starts anew behind some references. */
function alternativesOf(schema: unknown, error: SchemaError): Alternatives | null {
  if (typeof schema !== 'object' || schema === null) return null;
  let places = knownAlternatives.get(schema);
  if (!places) {
    places = new Map();
    knownAlternatives.set(schema, places);
  }
  const place = `${error.schemaPath}\n${error.instancePath}`;
  const known = places.get(place);
  if (known !== undefined) return known;
  const found = findAlternatives(schema, error);
  if (places.size >= knownMax) places.clear();
  places.set(place, found);
  return found;
}

function findAlternatives(schema: unknown, { keyword, schemaPath, instancePath }: SchemaError): Alternatives | null {
  const path = parsePointer(instancePath).map((segment) => (/^(?:0|[1-9]\d*)$/.test(segment) ? Number(segment) : segment));
  const lists = new Set(schemasAt(schema, path).flatMap((part) => (Array.isArray(part[keyword]) ? [part[keyword] as unknown[]] : [])));
  const named = partAt(schema, schemaPath);
  const branches = lists.has(named as unknown[]) ? (named as unknown[]) : lists.size === 1 ? [...lists][0] : undefined;
  return branches ? { branches, discriminators: new Map() } : null;
}
