import { expect, test } from 'vitest';
import { within } from './within.ts';

test('what ends in time is waited for, what hangs is not, and a failure in time is thrown', async () => {
  expect(await within(60_000, Promise.resolve())).toBe(true);
  expect(await within(1, new Promise(() => {}))).toBe(false);
  await expect(within(60_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
});
