import { expect, test } from 'vitest';
import { chooseLane } from './open-lane.ts';

const missing = () => ({ missing: 'the native lane does not load (no such file); build it with "npm run setup"' });

test('where the addon is missing, auto takes the client lane and says why', () => {
  expect(chooseLane('auto', missing)).toEqual({ name: 'client', native: null, missing: missing().missing });
});

test('where the addon is missing, asking for the native lane is a fault of the settings', () => {
  expect(() => chooseLane('native', missing)).toThrow(
    expect.objectContaining({ code: 'DQ_CONFIG_INVALID', message: expect.stringContaining('npm run setup') }),
  );
});

test('who asks for the client lane gets it, and the addon is not even looked for', () => {
  const load = () => {
    throw new Error('looked for');
  };
  expect(chooseLane('client', load)).toEqual({ name: 'client', native: null, missing: null });
});
