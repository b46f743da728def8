import { expect, test } from 'vitest';
import { playAll, playMsMax } from './play-all.ts';

test('whatever breaks, nothing is committed before it is durable, order is kept, and no stale epoch stores', {
  timeout: playMsMax,
}, async () => {
  expect(await playAll('safety')).toBeGreaterThan(0);
});
