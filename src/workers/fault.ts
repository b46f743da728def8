import { fingerprintOf } from '../model/fingerprint.ts';
import { type ErrorType, type Fault, outcomeOf } from '../model/verdict.ts';
import { dottedPath, type JsonPath, pointerPath } from './json-path.ts';

/** Which schema version judged, or would have. */
export interface SchemaIdentity {
  readonly name: string | null;
  readonly version: string | null;
}

export const noSchema: SchemaIdentity = { name: null, version: null };

/** All that is known of why a message is bad. */
export interface Cause {
  readonly type: ErrorType;
  readonly message: string;
  readonly schema: SchemaIdentity;
  readonly path: JsonPath | null;
  readonly keyword: string | null;
  /** The kind of the value found, null where no schema looked at one. */
  readonly kind: string | null;
}

/** Bad messages come in swarms of one cause. Equal faults are one object, which crosses to the main thread once a batch. */
const faults = new Map<string, Fault>();
const faultsMax = 1_000;

/** The verdict of a bad message, as it goes to its row and its dead letter. */
export function createFault(cause: Cause): Fault {
  const { type, message, schema, path, keyword, kind } = cause;
  const text = `${type}\n${schema.name}\n${schema.version}\n${keyword}\n${kind}\n${message}\n${JSON.stringify(path)}`;
  const known = faults.get(text);
  if (known) return known;
  const fault = newFault(cause);
  if (faults.size >= faultsMax) faults.clear();
  faults.set(text, fault);
  return fault;
}

function newFault({ type, message, schema, path, keyword, kind }: Cause): Fault {
  return {
    outcome: outcomeOf(type),
    error_type: type,
    error_message: message,
    field_path: path && dottedPath(path),
    instance_path: path && pointerPath(path),
    engine: 'js',
    keyword,
    fingerprint: fingerprintOf({
      schema: schema.name,
      keyword,
      foldedPath: path && pointerPath(folded(path, keyword)),
      kind: kind ?? type,
    }),
    schema_name: schema.name,
    schema_version: schema.version,
  };
}

/** A fault that no schema found. */
export function plainFault(type: ErrorType, message: string, path: JsonPath | null = null, schema: SchemaIdentity = noSchema): Fault {
  return createFault({ type, message, path, schema, keyword: null, kind: null });
}

/** Keywords that refuse a member by its name, one that the schema does not declare and anybody may make up. */
const keywordsOfNames: ReadonlySet<string | null> = new Set(['additionalProperties', 'unevaluatedProperties', 'propertyNames']);

/** The same mistake in the third and in the seventh item, or with this and with that unplanned name, has one cause. */
function folded(path: JsonPath, keyword: string | null): JsonPath {
  const last = keywordsOfNames.has(keyword) ? path.length - 1 : -1;
  return path.map((segment, at) => (typeof segment === 'number' || at === last ? '*' : segment));
}
