import { retryForever } from '../lib/retry.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';

export interface WhenThereOptions {
  readonly log: Log;
  readonly health: Health;
  /** Ends the waiting with the last failure. */
  readonly signal: AbortSignal;
}

/**
 * Begins with a service as soon as it is there: what may pass is tried again, for as long as it takes, and `/readyz` says under `check` what
 * is waited for. What somebody must mend first is thrown.
 */
export async function whenThere<T>(check: string, work: () => Promise<T>, { log, health, signal }: WhenThereOptions): Promise<T> {
  const result = await retryForever(work, {
    signal,
    onRetry: ({ code, message }, attempt) => {
      health.notReady(check, message);
      log.warn({ code, attempt }, `${message}; the service starts when it is there`);
    },
  });
  health.ready(check);
  return result;
}
