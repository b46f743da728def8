import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// The Kafka client keeps threads of libuv's pool busy for as long as it consumes. The forks inherit this before anything loads.
process.env.UV_THREADPOOL_SIZE ??= '16';

/** Pure tests want cores; the others mostly wait for servers, which want them too. */
const pureWorkersMax = Math.max(2, availableParallelism());

const rooms = '{src,codegen,bench,load,scripts}';

/** The suffix of a test file says what must run for it. Every other test file is pure. */
const suffixes = ['native', 'pg', 'kafka', 's3', 'registry', 'e2e', 'browser'];

interface ProjectOptions {
  include: string[];
  exclude?: string[];
  testMsMax: number;
  /** Projects of one number run side by side and share their workers. */
  order: number;
  workersMax: number;
}

function project(name: string, { include, exclude = [], testMsMax, order, workersMax }: ProjectOptions) {
  return {
    test: {
      name,
      include,
      exclude: ['**/node_modules/**', '**/dist/**', ...exclude],
      // The Kafka client does not load in a thread.
      pool: 'forks' as const,
      maxWorkers: workersMax,
      sequence: { groupOrder: order },
      // Limits for what hangs, far from what any test takes: none may fail by the clock.
      testTimeout: testMsMax,
      hookTimeout: testMsMax,
      provide: { suffix: name },
    },
  };
}

const ofSuffix = (suffix: string) => [`${rooms}/**/*.${suffix}.test.ts`];

export default defineConfig({
  test: {
    globalSetup: ['src/testing/servers-of-run.ts'],
    reporters: ['default', './scripts/run-reporter.mjs'],
    projects: [
      project('pure', {
        include: [`${rooms}/**/*.test.ts`],
        exclude: suffixes.flatMap(ofSuffix),
        testMsMax: 30_000,
        order: 0,
        workersMax: 2,
      }),
      project('native', { include: ofSuffix('native'), testMsMax: 60_000, order: 0, workersMax: pureWorkersMax }),
      ...['pg', 'kafka', 's3', 'registry'].map((suffix) =>
        project(suffix, { include: ofSuffix(suffix), testMsMax: 120_000, order: 1, workersMax: 2 }),
      ),
      // Each runs the whole service, often several times, and mostly waits: for an outage to be noticed, for a group to rebalance.
      ...['e2e', 'browser'].map((suffix) => project(suffix, { include: ofSuffix(suffix), testMsMax: 300_000, order: 2, workersMax: 2 })),
    ],
  },
});
