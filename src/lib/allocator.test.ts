import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allocatorEnvironment, hasJemalloc } from './allocator.ts';
import { packageRoot } from './package-root.ts';

test('the image installs the allocator and starts the service with it', () => {
  const runtime = readFileSync(join(packageRoot, 'Dockerfile'), 'utf8')
    .split(/^FROM /m)
    .at(-1);
  expect(runtime).toContain(' libjemalloc2 ');
  for (const [name, value] of Object.entries(allocatorEnvironment)) expect(runtime).toContain(` ${name}=${value} `);
});

test('jemalloc is seen among the libraries of a process', () => {
  const line = (path: string) => `7f3a00000000-7f3a00010000 r-xp 00000000 fe:00 1234  ${path}\n`;
  const libc = line('/usr/lib/x86_64-linux-gnu/libc.so.6');
  expect(hasJemalloc(libc)).toBe(false);
  expect(hasJemalloc(line('/usr/lib/x86_64-linux-gnu/libjemalloc.so.2') + libc)).toBe(true);
});
