import { HttpRefusal } from '../../drivers/http/problem.ts';
import { hasCode } from '../../lib/errors.ts';

/** Says for a payload that is not to be had whether it is `gone` or `unreadable`; null where the failure is another one. */
export function lossOf(error: unknown): 'gone' | 'unreadable' | null {
  if (hasCode(error, 'DQ_PAYLOAD_GONE')) return 'gone';
  return hasCode(error, 'DQ_STORAGE_CORRUPT') ? 'unreadable' : null;
}

/** Turns a request away whose payload is not to be had any more; whatever else failed is thrown as it is. */
export function refuseLost(error: unknown): never {
  const state = lossOf(error);
  if (state === null) throw error;
  throw new HttpRefusal(410, `The payload is not to be had any more: ${(error as Error).message}.`, { payload_state: state });
}
