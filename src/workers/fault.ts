import { createHash } from 'node:crypto';
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

/** The verdict of a bad message, as it goes to its row and its dead letter. */
export function createFault({ type, message, schema, path, keyword, kind }: Cause): Fault {
  return {
    outcome: outcomeOf(type),
    error_type: type,
    error_message: message,
    field_path: path && dottedPath(path),
    instance_path: path && pointerPath(path),
    engine: 'js',
    keyword,
    fingerprint: fingerprintOf([schema.name, keyword, path && pointerPath(path.map(folded)), kind ?? type]),
    schema_name: schema.name,
    schema_version: schema.version,
  };
}

/** A fault that no schema found. */
export function plainFault(type: ErrorType, message: string, path: JsonPath | null = null, schema: SchemaIdentity = noSchema): Fault {
  return createFault({ type, message, path, schema, keyword: null, kind: null });
}

/** The same mistake in the third and in the seventh item has one cause. */
function folded(segment: string | number): string {
  return typeof segment === 'number' ? '*' : segment;
}

const fingerprints = new Map<string, string>();
const fingerprintsMax = 1_000;

/** Bad messages come in swarms of one cause, so the last fingerprints are kept. */
function fingerprintOf(cause: readonly (string | null)[]): string {
  const text = JSON.stringify(cause);
  const known = fingerprints.get(text);
  if (known !== undefined) return known;
  const fingerprint = `v1:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  if (fingerprints.size >= fingerprintsMax) fingerprints.clear();
  fingerprints.set(text, fingerprint);
  return fingerprint;
}
