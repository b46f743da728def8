import type { PayloadState } from '../../../contract/records.ts';
import type { ApiError } from '../wire/client.ts';

/** Where a payload is, as the refusal to give it says; null where that is about something else. */
export function stateOfRefusal({ problem }: ApiError): PayloadState | null {
  return 'payload_state' in problem ? (problem.payload_state as PayloadState) : null;
}

/** Nobody can read or edit it any more. An edit that was made before can still be replayed. */
export function isLost(state: PayloadState | null): boolean {
  return state === 'gone' || state === 'unreadable' || state === 'erased';
}
