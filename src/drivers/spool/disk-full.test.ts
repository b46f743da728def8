import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../lib/package-root.ts';

/*
 * A disk that is really full: a file system of 512 KiB in a mount namespace of the test's own, with the spool of the built service on it.
 */

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dq-full-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Appends records of some 5 KB until the disk refuses, again and again; drains a file in between; then drains all. */
const script = `
  import { Spool } from ${JSON.stringify(join(packageRoot, 'dist/src/drivers/spool/spool.js'))};
  const damages = [];
  const open = () => Spool.open({ dir: process.argv[1], bytesMax: 2 ** 30, fileBytesMax: 64 * 1024, onBytes() {}, onDamage: (damage) => damages.push(damage.kind), onSkipped() {} });
  let spool = await open();
  const kept = [], codes = [], out = [];
  const drainFile = async () => {
    const file = await spool.oldest();
    if (!file) return false;
    for (const record of file.records) out.push(Number.parseInt(record, 10));
    await spool.remove(file);
    return true;
  };
  const fill = async () => {
    for (let number = kept.length === 0 ? 0 : kept.at(-1) + 1; ; number++) {
      try {
        await spool.append([Buffer.from(number + ' ' + 'x'.repeat(5_000))]);
        kept.push(number);
      } catch (error) {
        codes.push(error.code + (String(error).includes('ENOSPC') ? ' ENOSPC' : ''));
        return;
      }
    }
  };
  await fill();
  await fill();
  for (let round = 0; round < 3; round++) {
    await drainFile();
    await fill();
  }
  await spool.close();
  spool = await open();
  while (await drainFile());
  process.stdout.write(JSON.stringify({ kept, codes, out, damages, isEmpty: spool.isEmpty }));
  await spool.close();`;

interface Outcome {
  readonly kept: readonly number[];
  readonly codes: readonly string[];
  readonly out: readonly number[];
  readonly damages: readonly string[];
  readonly isEmpty: boolean;
}

/** Runs the script on a small disk. Whoever may not mount may do so as root of a user namespace. */
async function onSmallDisk(): Promise<Outcome> {
  const mount = 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$1" --input-type=module -e "$2" "$0"';
  const child = spawn('unshare', ['--map-root-user', '--mount', 'sh', '-c', mount, dir, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (said === '') throw new Error(`no small disk could be mounted, or the spool failed on it: ${complaint}`);
  return JSON.parse(said) as Outcome;
}

test('a full disk refuses and loses nothing: what was kept before comes out, and what is freed takes more', async () => {
  const { kept, codes, out, damages, isEmpty } = await onSmallDisk();
  expect(kept.length).toBeGreaterThan(80);
  expect(codes.length).toBe(5);
  expect(codes.every((code) => code === 'DQ_SPOOL_UNAVAILABLE ENOSPC')).toBe(true);
  // What was not acknowledged may come out all the same; its number was given to the record that was tried next.
  expect([...new Set(out)]).toEqual(kept);
  expect([damages.filter((kind) => kind !== 'torn'), isEmpty]).toEqual([[], true]);
});
