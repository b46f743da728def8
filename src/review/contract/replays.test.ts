import { expect, test } from 'vitest';
import { replayBody } from './replays.ts';

test('a plan names its records by ids or by a filter, and not by both', () => {
  expect(replayBody.safeParse({ filter: { error_type: 'too_large' } }).success).toBe(true);
  expect(replayBody.safeParse({}).success).toBe(false);
  expect(replayBody.safeParse({ ids: ['0193e4a0-0000-7000-8000-000000000000'], filter: {} }).success).toBe(false);
});

test.each([{ filter: { errorType: 'too_large' } }, { filter: {}, dryRun: true }])(
  'a name that nobody knows is refused: without it everything would be selected, or published (%j)',
  (body) => {
    expect(replayBody.safeParse(body).success).toBe(false);
  },
);
