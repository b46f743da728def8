import { spawnSync } from 'node:child_process';
import { allocatorEnvironment, isJemalloc } from '../lib/allocator.ts';

let found: Readonly<Record<string, string>> | undefined;

/** The environment that the image gives the service, as far as this machine can: set-up installs jemalloc where it may. */
export function imageEnvironment(): Readonly<Record<string, string>> {
  found ??= isThere() ? allocatorEnvironment : {};
  return found;
}

/** The loader goes on without a library that it does not find, so the question is what a process got. */
function isThere(): boolean {
  const { stdout } = spawnSync(process.execPath, ['-p', 'require("node:fs").readFileSync("/proc/self/maps", "utf8")'], {
    env: { ...process.env, ...allocatorEnvironment },
    encoding: 'utf8',
  });
  return isJemalloc(stdout ?? '');
}
