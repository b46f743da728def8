import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDatabase } from '../../drivers/postgres/database.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { openPostgres, type PostgresServer } from './postgres-server.ts';
import { processTree } from './process-tree.ts';

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the launcher', () => {
  let dir: string;
  let launcher: ChildProcess & { readonly pid: number };

  /** A launcher in the foreground whose servers answer; what it starts lies in `dir`. */
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'dataquarantine-test-'));
    // PostgreSQL runs as another user where this runs as root.
    await chmod(dir, 0o711);
    const main = path.join(packageRoot, 'dist', 'src', 'testing', 'services', 'main.js');
    launcher = spawn(process.execPath, [main, 'up', '--foreground', '--json'], {
      env: { ...process.env, TMPDIR: dir },
      stdio: ['ignore', 'pipe', 'inherit'],
    }) as typeof launcher;
    const [line] = await Promise.race([once(launcher.stdout as NodeJS.ReadableStream, 'data'), once(launcher, 'exit')]);
    expect(JSON.parse(String(line))).toMatchObject({ up: true });
  });

  afterEach(async () => {
    launcher.kill('SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('leaves no process and no folder behind after %s', async (signal) => {
    const [, ...started] = await processTree(launcher.pid);
    expect(started.length).toBeGreaterThanOrEqual(3);
    launcher.kill(signal);
    await vi.waitFor(() => expect(started.filter(exists)).toEqual([]), { timeout: 60_000, interval: 100 });
    await vi.waitFor(async () => expect(await readdir(dir)).toEqual([]), { timeout: 60_000, interval: 100 });
  });
});

describe('a server', () => {
  let postgres: PostgresServer;

  beforeEach(async () => {
    postgres = await openPostgres();
  });

  afterEach(() => postgres.server.close());

  async function query(sql: string): Promise<unknown[]> {
    const database = openDatabase({ url: postgres.url, poolMax: 1 });
    try {
      return (await database.withClient((client) => client.query(sql))).rows;
    } finally {
      await database.close();
    }
  }

  test.each(['stop', 'kill'] as const)('has its address and its data again when it starts after %s', async (end) => {
    await query('CREATE TABLE kept AS SELECT 42 AS answer');
    await postgres.server[end]();
    await expect(query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await postgres.server.start();
    expect(await query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test('answers nobody while it is paused, and then goes on where it was', async () => {
    const database = openDatabase({ url: postgres.url, poolMax: 1 });
    await postgres.server.pause();
    const answer = database.withClient((client) => client.query('SELECT 42 AS answer'));
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 1000, 'silence'))]);
    expect(first).toBe('silence');
    await postgres.server.resume();
    expect((await answer).rows).toEqual([{ answer: 42 }]);
    await database.close();
  });
});
