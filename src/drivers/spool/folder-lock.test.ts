import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../lib/package-root.ts';
import { lockFolder } from './folder-lock.ts';

let root: string;
let dir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dq-lock-'));
  // Longer than the name of a socket may be.
  dir = join(root, 'deep'.repeat(20), 'deeper'.repeat(20));
  mkdirSync(dir, { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true }));

test('a folder has one holder at a time', async () => {
  const lock = await lockFolder(dir);
  expect(await lockFolder(dir)).toBeNull();
  await lock?.release();
  const again = await lockFolder(dir);
  expect(again).not.toBeNull();
  await again?.release();
});

test('the folder of a killed process is free, that of a stopped one is not', async () => {
  const script = `
    import { lockFolder } from ${JSON.stringify(join(packageRoot, 'dist/src/drivers/spool/folder-lock.js'))};
    process.stdout.write((await lockFolder(process.argv[1])) ? 'held' : 'refused');
    setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(String(said)).toBe('held');
  child.kill('SIGSTOP');
  expect(await lockFolder(dir)).toBeNull();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await lockFolder(dir);
  expect(lock).not.toBeNull();
  await lock?.release();
});

test('of many that want a folder left behind by a crash, at most one has it', async () => {
  const script = `
    import { lockFolder } from ${JSON.stringify(join(packageRoot, 'dist/src/drivers/spool/folder-lock.js'))};
    await lockFolder(process.argv[1]);
    process.kill(process.pid, 'SIGKILL');`;
  await once(spawn(process.execPath, ['--input-type=module', '-e', script, dir], { stdio: 'inherit' }), 'exit');
  const locks = await Promise.all(Array.from({ length: 8 }, () => lockFolder(dir)));
  expect(locks.filter((lock) => lock !== null)).toHaveLength(1);
  // Those that lost have not taken the winner's lock with them.
  expect(await lockFolder(dir)).toBeNull();
  for (const lock of locks) await lock?.release();
});

test('a holder sees that its lock was taken, and does not take the new one away when it lets go', async () => {
  const lock = await lockFolder(dir);
  expect(await lock?.isHeld()).toBe(true);
  unlinkSync(join(dir, 'lock'));
  const taken = await lockFolder(dir);
  expect([await lock?.isHeld(), await taken?.isHeld()]).toEqual([false, true]);
  await lock?.release();
  expect(await lockFolder(dir)).toBeNull();
  await taken?.release();
});
