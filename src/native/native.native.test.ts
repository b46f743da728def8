import { expect, test } from 'vitest';
import '@confluentinc/kafka-javascript';
import { loadJudge, loadLane } from './index.ts';

test('both addons are built here, and load', () => {
  expect(loadJudge()).toMatchObject({ addon: { version: expect.any(Function) } });
  const lane = loadLane();
  expect('addon' in lane && lane.addon.version()).toMatch(/^2\./);
});
