import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { type DataQuarantineError, isRetryable } from './errors.ts';

export interface RetryOptions {
  /** Ends the waiting and the trying; the last error is thrown then. */
  readonly signal?: AbortSignal;
  /** Asked after every failure; where it says no, the failure is thrown. */
  readonly goesOn?: () => boolean;
  /** Told of every failed attempt that will be repeated, counted from 1. */
  readonly onRetry?: (error: DataQuarantineError, attempt: number) => void;
}

const delayMsMax = 5_000;

/**
 * Calls `work` until it ends without a retryable {@link DataQuarantineError}: for ever, with exponential backoff and jitter from
 * 128 ms to 5 s. Whatever is not retryable is thrown at once.
 */
export async function retryForever<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const policy = retry(
    handleWhen((error) => isRetryable(error) && !options.signal?.aborted && (options.goesOn?.() ?? true)),
    { maxAttempts: Number.POSITIVE_INFINITY, backoff: new ExponentialBackoff({ initialDelay: 128, maxDelay: delayMsMax }) },
  );
  let attempt = 0;
  policy.onFailure(({ reason, handled }) => {
    attempt += 1;
    if (handled && 'error' in reason) options.onRetry?.(reason.error as DataQuarantineError, attempt);
  });
  return policy.execute(work, options.signal);
}
