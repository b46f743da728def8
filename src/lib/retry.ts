import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { type DataQuarantineError, isRetryable } from './errors.ts';

export interface RetryOptions {
  /** Ends the trying: the last error is thrown, after the wait that is under way. */
  readonly signal?: AbortSignal;
  /** Asked after every failure; where it says no, the failure is thrown. */
  readonly goesOn?: (error: DataQuarantineError) => boolean;
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
    handleWhen((error) => isRetryable(error) && !options.signal?.aborted && (options.goesOn?.(error) ?? true)),
    { maxAttempts: Number.POSITIVE_INFINITY, backoff: new ExponentialBackoff({ initialDelay: 128, maxDelay: delayMsMax }) },
  );
  let attempt = 0;
  let failure: unknown;
  policy.onFailure(({ reason, handled }) => {
    attempt += 1;
    if ('error' in reason) failure = reason.error;
    if (handled && 'error' in reason) options.onRetry?.(reason.error as DataQuarantineError, attempt);
  });
  return policy.execute(async () => {
    // The policy does not look at the signal after its wait, and would begin anew.
    if (attempt > 0 && options.signal?.aborted) throw failure;
    return work();
  }, options.signal);
}
