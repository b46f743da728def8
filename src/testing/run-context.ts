import type { Addresses } from './services/service.ts';

/** What the run gives to its test files, each for `inject` of vitest. Servers that no selected test needs are null. */
export interface RunContext {
  /** All suffixes for which files were selected. */
  readonly suffixes: readonly string[];
  /** The suffix of the test file: `pure`, `native`, `pg`, `kafka`, `s3`, `registry`, `e2e` or `browser`. */
  readonly suffix: string;
  readonly kafka: Addresses['kafka'] | null;
  readonly postgres: Addresses['postgres'] | null;
  readonly s3: Addresses['s3'] | null;
  /** A database of the run's own with all tables and no rows. */
  readonly templateDatabase: string;
}

declare module 'vitest' {
  interface ProvidedContext extends RunContext {}
}
