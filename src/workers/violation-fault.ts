import type { Fault } from '../model/verdict.ts';
import { parsePointer } from '../registry/json-pointer.ts';
import type { SchemaError, ValidateFunction } from '../registry/validator-runtime.ts';
import { isOfAlternatives, narrowed } from './alternatives.ts';
import { causeOf, explain, type Kind, kindOf } from './explain.ts';
import { createFault, type SchemaIdentity } from './fault.ts';

/** A fault that was put into words before, with all that went into them beside the two places in its key. */
interface KnownFault {
  readonly schema: SchemaIdentity;
  readonly params: SchemaError['params'];
  readonly kind: Kind;
  readonly fault: Fault;
}

/** Bad messages come in swarms of one cause. The keys name the place in the schema and the place in the value. */
const knownFaults = new WeakMap<ValidateFunction, Map<string, KnownFault>>();
const knownMax = 1_000;
const pointers = new Map<string, readonly string[] | null>();
/** A hostile message can have names of megabytes. */
const pointerUnitsMax = 200;

/** The fault of a value that `validate` has just refused. */
export function violationFault(validate: ValidateFunction, root: unknown, schema: SchemaIdentity): Fault {
  const errors = validate.errors ?? [];
  const outermost = causeOf(errors);
  const error = isOfAlternatives(outermost) ? narrowed(errors, validate.schema, root) : outermost;
  const segments = namesIn(error.instancePath);
  if (segments === null) return newFault(error, validate, root, schema);
  let value = root;
  for (const segment of segments) value = (value as Record<string, unknown> | null)?.[segment];
  const kind = kindOf(value);
  const faults = faultsOf(validate);
  const place = `${error.schemaPath}\n${error.instancePath}`;
  const known = faults.get(place);
  if (known && known.kind === kind && isSameSchema(known.schema, schema) && areSame(known.params, error.params)) return known.fault;
  const fault = newFault(error, validate, root, schema);
  if (faults.size >= knownMax) faults.clear();
  faults.set(place, { schema, params: error.params, kind, fault });
  return fault;
}

function newFault(error: SchemaError, validate: ValidateFunction, root: unknown, schema: SchemaIdentity): Fault {
  return createFault({ type: 'schema_violation', schema, ...explain(error, root, validate.schema) });
}

function faultsOf(validate: ValidateFunction): Map<string, KnownFault> {
  const known = knownFaults.get(validate);
  if (known) return known;
  const faults = new Map<string, KnownFault>();
  knownFaults.set(validate, faults);
  return faults;
}

/** The segments of a pointer; null where one of them may be an index, which only the value can tell, or where they are long. */
function namesIn(pointer: string): readonly string[] | null {
  if (pointer.length > pointerUnitsMax) return null;
  const known = pointers.get(pointer);
  if (known !== undefined) return known;
  const segments = /\/\d/.test(pointer) ? null : parsePointer(pointer);
  if (pointers.size >= knownMax) pointers.clear();
  pointers.set(pointer, segments);
  return segments;
}

/** Equal code is loaded once, under however many names. */
function isSameSchema(one: SchemaIdentity, other: SchemaIdentity): boolean {
  return one.name === other.name && one.version === other.version;
}

/** What differs only in identity counts as different: it costs new words for the same fault, never wrong ones. */
function areSame(one: SchemaError['params'], other: SchemaError['params']): boolean {
  for (const name in one) if (one[name] !== other[name]) return false;
  return true;
}
