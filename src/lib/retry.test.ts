import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DataQuarantineError } from './errors.ts';
import { retryForever } from './retry.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a signal that comes in a wait ends it with the last failure, and nothing is tried once more', async () => {
  const abandon = new AbortController();
  const work = vi.fn(() => Promise.reject(new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', 'no space')));
  const onRetry = vi.fn();
  const ended = Promise.allSettled([retryForever(work, { signal: abandon.signal, onRetry })]);
  await vi.advanceTimersByTimeAsync(0);
  expect(onRetry).toHaveBeenCalledTimes(1);
  abandon.abort();
  await vi.runAllTimersAsync();
  expect(await ended).toMatchObject([{ reason: { message: 'no space' } }]);
  expect([work.mock.calls.length, onRetry.mock.calls.length]).toEqual([1, 1]);
});

test('what will not pass is thrown at once', async () => {
  const work = vi.fn(() => Promise.reject(new DataQuarantineError('DQ_RECORD_CONFLICT', 'another payload')));
  await expect(retryForever(work)).rejects.toThrow('another payload');
  expect(work).toHaveBeenCalledTimes(1);
});
