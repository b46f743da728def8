/** The kinds of bad message. The README lists them: rows, dead letters, verdicts and metrics have these names. */
export const errorTypes = [
  'too_large',
  'malformed_json',
  'invalid_utf8',
  'too_deep',
  'forbidden_key',
  'duplicate_key',
  'schema_missing',
  'schema_not_found',
  'schema_violation',
  'validation_timeout',
  'validator_error',
  'publish_refused',
  'dead_letter',
] as const;

export type ErrorType = (typeof errorTypes)[number];

/** The error types that say "could not be judged" rather than "was judged bad": their outcome is `error`, that of all others `invalid`. */
const undecided: ReadonlySet<ErrorType> = new Set([
  'schema_missing',
  'schema_not_found',
  'validation_timeout',
  'validator_error',
  'dead_letter',
]);

export type Engine = 'native' | 'js';

/**
 * What a judge says of one message. The field names are those that users see, so that what a worker says, what `dq validate` prints,
 * what the library returns and what a row holds are one shape. Null means "none"; a valid message has null everywhere.
 * No field ever holds a value of the payload, nor a member name that the schema does not declare; the two paths may.
 */
export interface Verdict {
  readonly outcome: 'valid' | 'invalid' | 'error';
  readonly error_type: ErrorType | null;
  /** One sentence: what was expected, in words. */
  readonly error_message: string | null;
  /** Dotted: `user_id`, `items[3].sku`; empty at the top. */
  readonly field_path: string | null;
  /** JSON Pointer (RFC 6901). */
  readonly instance_path: string | null;
  readonly engine: Engine;
  /** Present where the document does not fit as it came, and does after the schema's remediation. */
  readonly remediated?: true;
}

/** A verdict of a message that goes to quarantine, with all that its row and its dead letter say of the cause. */
export interface Fault extends Verdict {
  readonly outcome: 'invalid' | 'error';
  readonly error_type: ErrorType;
  readonly error_message: string;
  /** The JSON Schema keyword that refused, null where no schema did. */
  readonly keyword: string | null;
  /** `v1:` and 32 hex digits: equal for the same cause (schema, keyword, path with indexes folded, kind of the value found). */
  readonly fingerprint: string;
  readonly schema_name: string | null;
  readonly schema_version: string | null;
}

export function outcomeOf(type: ErrorType): 'invalid' | 'error' {
  return undecided.has(type) ? 'error' : 'invalid';
}
