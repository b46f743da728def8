import { expect, test } from 'vitest';
import { playAll, playMsMax } from './play-all.ts';

test('when the faults have ended, everything becomes durable and committed, and every instance drains', {
  timeout: playMsMax,
}, async () => {
  expect(await playAll('liveness')).toBeGreaterThan(0);
});
