import type { DataQuarantineError } from '../lib/errors.ts';
import { retryForever } from '../lib/retry.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';

export interface WhenThereOptions {
  readonly log: Log;
  readonly health: Health;
  /** Ends the waiting with the last failure. */
  readonly signal: AbortSignal;
  /** Asked of what may pass in general: does it pass by itself at a start? All of it, where this is left out. */
  readonly passes?: (error: DataQuarantineError) => boolean;
}

/**
 * Begins with a service as soon as it is there: what may pass is tried again, for as long as it takes, and `/readyz` says under `check` what
 * is waited for. What somebody must mend first is thrown.
 */
export async function whenThere<T>(check: string, work: () => Promise<T>, { log, health, signal, passes }: WhenThereOptions): Promise<T> {
  const result = await retryForever(work, {
    signal,
    ...(passes && { goesOn: passes }),
    onRetry: ({ code, message }, attempt) => {
      health.notReady(check, message);
      log.warn({ code, attempt }, `${message}; the service starts when it is there`);
    },
  });
  health.ready(check);
  return result;
}
