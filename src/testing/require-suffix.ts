import { inject } from 'vitest';
import './run-context.ts';

/** Refuses to go on unless the suffix of the test file promises the server that `fixture` needs. */
export function requireSuffix(fixture: string, suffixes: readonly string[]): void {
  const suffix = inject('suffix');
  if (suffixes.includes(suffix)) return;
  const names = suffixes.map((wanted) => `*.${wanted}.test.ts`).join(' or ');
  throw new Error(`src/testing/${fixture} needs a server that a ${suffix} test does not get: name the test file ${names}.`);
}
