import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../lib/package-root.ts';

/** Threads run built code, also where the tests run the sources. */
export function builtFile(name: 'worker' | 'compile-worker' | 'compare-worker'): string {
  const beside = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return import.meta.url.endsWith('.ts') ? join(packageRoot, 'dist/src/workers', `${name}.js`) : beside;
}
