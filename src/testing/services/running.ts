import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packageRoot } from '../../lib/package-root.ts';
import type { Addresses, ServiceName } from './service.ts';

/** What `npm run services -- up` left running in this clone, as its state file says. */
export interface Running extends Addresses {
  /** The process that holds the servers; they end with it. */
  readonly pid: number;
  readonly startedAt: string;
  readonly took: Readonly<Record<ServiceName, string>>;
}

/** Of the clone and not of the cache, which several clones may share. */
function stateFile(): string {
  return path.join(stateDir(), 'state.json');
}

export function stateDir(): string {
  return path.join(packageRoot, '.cache', 'services');
}

/** The services that are up, or null. A state file whose process has died counts as none. */
export async function runningServices(): Promise<Running | null> {
  const text = await readFile(stateFile(), 'utf8').catch(() => null);
  if (text === null) return null;
  const running = JSON.parse(text) as Running;
  return isHolder(running.pid) ? running : null;
}

/** Written under another name first, so that a reader never sees half a file. */
export async function writeRunning(running: Running): Promise<void> {
  await mkdir(stateDir(), { recursive: true });
  const draft = path.join(stateDir(), `state.${process.pid}.json`);
  await writeFile(draft, `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, stateFile());
}

export async function removeRunning(): Promise<void> {
  await rm(stateFile(), { force: true });
}

/** Numbers of processes are given again, so the command line must be that of a launcher. */
function isHolder(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path.join('testing', 'services', 'main'));
  } catch {
    return false;
  }
}
