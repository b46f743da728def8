import { expect, test } from 'vitest';
import { runChaos } from './chaos.ts';

interface Kept {
  readonly seed: number;
  readonly only: readonly string[];
}

/** Short runs. A seed that once found something is kept here, with the faults that matter. */
const kept: readonly Kept[] = [
  { seed: 1, only: ['kill', 'freeze_past_poll_interval', 's3_answers_503_after_writing', 'postgres_resetting', 'broker_killed'] },
];

test.each(kept)('three instances under the faults of seed $seed lose nothing and keep order', async ({ seed, only }) => {
  const lines: string[] = [];
  const report = await runChaos({
    seconds: 30,
    seed,
    rate: 300,
    only,
    say: (line) => lines.push(line),
    signal: new AbortController().signal,
  });
  process.stdout.write(`${lines.join('\n')}\n${JSON.stringify(report)}\n`);
  expect(report.unaccounted).toEqual([]);
  expect(report.counts.unaccounted).toBe(0);
  expect(report.disordered.count).toBe(0);
  expect(report.badStops).toEqual([]);
  expect(report.deaths.filter(({ wasRunning }) => wasRunning)).toEqual([]);
  expect(report.isWhole).toBe(true);
});
