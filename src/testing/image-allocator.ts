import { spawnSync } from 'node:child_process';
import { allocatorEnvironment, hasJemalloc } from '../lib/allocator.ts';

let found: Readonly<Record<string, string>> | undefined;

/** The environment by which the image chooses the service's allocator; empty where this machine has none of it. Set-up installs it where it may. */
export function imageAllocator(): Readonly<Record<string, string>> {
  found ??= isThere() ? allocatorEnvironment : {};
  return found;
}

/** The loader goes on without a library that it does not find, so the question is what a process got. */
function isThere(): boolean {
  const { stdout } = spawnSync(process.execPath, ['-p', 'require("node:fs").readFileSync("/proc/self/maps", "utf8")'], {
    env: { ...process.env, ...allocatorEnvironment },
    encoding: 'utf8',
  });
  return hasJemalloc(stdout ?? '');
}
