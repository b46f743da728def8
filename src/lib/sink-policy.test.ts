import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DataQuarantineError } from './errors.ts';
import { type CircuitState, SinkPolicy } from './sink-policy.ts';

const away = () => Promise.reject(new DataQuarantineError('DQ_POSTGRES_UNREACHABLE', 'away'));
const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function policyOf(failuresMax = 3): { policy: SinkPolicy; states: CircuitState[]; failures: string[] } {
  const states: CircuitState[] = [];
  const failures: string[] = [];
  const policy = new SinkPolicy({
    sink: 'the sink',
    awayCode: 'DQ_POSTGRES_UNREACHABLE',
    failuresMax,
    onState: (state) => states.push(state),
    onFailure: ({ message }) => failures.push(message),
  });
  return { policy, states, failures };
}

/** Lets time pass until the promise has ended one way or the other. */
async function ended<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([promise]).then(([one]) => {
    result = one;
  });
  for (let tries = 0; !result && tries < 1_000; tries++) await vi.advanceTimersByTimeAsync(100);
  return result as PromiseSettledResult<T>;
}

test('a failure that passes is tried again, and the circuit stays closed', async () => {
  const { policy, states, failures } = policyOf();
  const work = vi.fn(async () => (work.mock.calls.length < 3 ? away() : 'done'));
  expect(await ended(policy.whileClosed(work, { msMax: 1_000, signal: never }))).toMatchObject({ value: 'done' });
  expect([states, failures.length, policy.isAway]).toEqual([[], 2, false]);
});

test('failures in a row open the circuit: who has another way is told at once, and the sink is not called any more', async () => {
  const { policy, states } = policyOf();
  const work = vi.fn(away);
  expect((await ended(policy.whileClosed(work, { msMax: 1_000, signal: never }))).status).toBe('rejected');
  expect([states, work.mock.calls.length, policy.isAway]).toEqual([['open'], 3, true]);
});

test('who waits for ever does not hammer the sink, and closes the circuit when it is back', async () => {
  const { policy, states } = policyOf();
  let back = false;
  const work = vi.fn(async () => (back ? 'done' : away()));
  const waiting = policy.forever(work, never);
  await vi.advanceTimersByTimeAsync(120_000);
  // At most one call in 2.5 s at the end: the longest pause is 5 s, with jitter.
  expect(work.mock.calls.length).toBeGreaterThan(10);
  expect(work.mock.calls.length).toBeLessThan(80);
  back = true;
  expect(await ended(waiting)).toMatchObject({ value: 'done' });
  expect(states.slice(-2)).toEqual(['half_open', 'closed']);
});

test('a call that takes too long opens the circuit at once: the next would take as long', async () => {
  const { policy, failures } = policyOf();
  const stuck = policy.whileClosed(() => new Promise(() => {}), { msMax: 3_000, signal: never });
  expect(await ended(stuck)).toMatchObject({ reason: { code: 'DQ_POSTGRES_UNREACHABLE', retryable: true } });
  expect(failures).toEqual(['the sink did not answer within 3000 ms.']);
  expect(policy.isAway).toBe(true);
});

test('a refusal for good goes through at once and says nothing of the sink', async () => {
  const { policy, states, failures } = policyOf(1);
  const work = vi.fn(() => Promise.reject(new DataQuarantineError('DQ_POSTGRES_REFUSED', 'no table')));
  expect(await ended(policy.forever(work, never))).toMatchObject({ reason: { code: 'DQ_POSTGRES_REFUSED' } });
  expect([states, failures, work.mock.calls.length]).toEqual([[], [], 1]);
});

test('a signal ends the waiting', async () => {
  const { policy } = policyOf();
  const abandon = new AbortController();
  const waiting = policy.forever(away, abandon.signal);
  await vi.advanceTimersByTimeAsync(1_000);
  abandon.abort();
  expect((await ended(waiting)).status).toBe('rejected');
});
