import type { EditCheck } from '../../../contract/records.ts';
import type { ApiError } from '../wire/client.ts';

/** What the service says of a text; `valid` is null where it could not say. */
export interface Judgement {
  readonly valid: boolean | null;
  readonly message: string;
  /** JSON Pointer to what is wrong. */
  readonly pointer: string | null;
}

type Verdict = NonNullable<EditCheck['verdict']>;

export function judgementOf({ valid, verdict }: EditCheck): Judgement {
  if (valid) return { valid, message: 'This text fits the schema.', pointer: null };
  const message = verdict?.error_message ?? 'This text does not fit the schema.';
  return { valid, message: message.charAt(0).toUpperCase() + message.slice(1), pointer: verdict?.instance_path ?? null };
}

/** A refusal of an edit: 422 carries the verdict, anything else says why there is none. */
export function refusalOf({ status, problem, message }: ApiError): Judgement {
  const verdict = 'verdict' in problem ? (problem.verdict as Verdict) : null;
  if (verdict) return judgementOf({ valid: false, verdict });
  return { valid: status === 422 ? false : null, message, pointer: null };
}
