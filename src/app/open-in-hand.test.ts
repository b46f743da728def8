import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../observe/log.ts';
import { buildBatch } from '../testing/build-batch.ts';
import { openInHand } from './open-in-hand.ts';

let dir: string;
let closers: (() => Promise<void>)[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dq-in-hand-'));
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  rmSync(dir, { recursive: true });
});

const open = () => openInHand({ dir, log: silentLog(), closers });
const range = { topic: 'raw-events', partition: 0, from: 0, to: 1 };
const suspectsOf = async () => (await open())?.suspectsOf(buildBatch([{ offset: 0 }]));

test('what a living process has in hand is not taken for what a dead one left, whatever it is called', async () => {
  const [one, other] = [await open(), await open()];
  await one?.hold([range], true);
  await other?.hold([range], true);
  expect(await suspectsOf()).toEqual([]);
});

test('what dead processes left is found, wherever it lies', async () => {
  for (const process of [await open(), await open()]) await process?.hold([range], true);
  // A process that dies lets go of its folder, and leaves its file.
  for (const [index, close] of closers.entries()) if (index % 2 === 0) await close();
  closers = [];
  expect(await suspectsOf()).toEqual([{ row: 0, isGuilty: false }]);
});

test('a disk that hangs does not hang the start', async () => {
  await (await open())?.hold([range], true);
  await closers[0]?.();
  closers = [];
  // Whoever reads a pipe without a writer waits, as on a disk that does not answer.
  const path = join(dir, 'in-hand', 'instance-0', 'in-hand');
  rmSync(path);
  execFileSync('mkfifo', [path]);
  expect(await open()).toBeNull();
  closeSync(openSync(path, 'r+'));
});
