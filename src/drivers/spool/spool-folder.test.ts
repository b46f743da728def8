import { mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { drainSpool } from '../../testing/drain-spool.ts';
import { Spool } from './spool.ts';
import { type DiskFile, machineDisk, type SpoolDisk } from './spool-disk.ts';

let dir: string;
let open: Spool[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dq-spool-folder-'));
  open = [];
});

afterEach(async () => {
  for (const spool of open) await spool.close();
  rmSync(dir, { recursive: true });
});

async function openSpool(disk: SpoolDisk = machineDisk): Promise<Spool> {
  const ignore = () => {};
  const spool = await Spool.open({ dir, disk, bytesMax: 2 ** 20, fileBytesMax: 1, onBytes: ignore, onDamage: ignore, onSkipped: ignore });
  open.push(spool);
  return spool;
}

/** A spool, and beside it what another one left behind in its part: three files. */
async function besideLeftBehind(disk: SpoolDisk): Promise<Spool> {
  const [spool, other] = [await openSpool(disk), await openSpool()];
  for (const text of ['one', 'two', 'three']) await other.append([Buffer.from(text)]);
  open.splice(open.indexOf(other), 1);
  await other.close();
  return spool;
}

const saltOf = (path: string) => basename(path).slice(13);

/**
 * The machine's disk, and what a power cut would leave of the files' names at worst: a new name is lost until its folder is synced, an
 * old one is gone at once.
 */
class WorstDisk {
  readonly durable = new Set<string>();
  readonly lost: string[] = [];
  readonly #new = new Set<string>();
  readonly disk: SpoolDisk = {
    ...machineDisk,
    open: async (path, flags, mode) => this.#synced(path, await machineDisk.open(path, flags, mode)),
    link: async (path, another) => {
      await machineDisk.link(path, another);
      this.#new.add(another);
    },
    rename: async (from, to) => {
      await machineDisk.rename(from, to);
      this.#new.add(to);
      this.#drop(from);
    },
    unlink: async (path) => {
      await machineDisk.unlink(path);
      this.#drop(path);
    },
  };

  #synced(path: string, file: DiskFile): DiskFile {
    const sync = file.sync.bind(file);
    file.sync = async () => {
      await sync();
      for (const name of this.#new) if (dirname(name) === path) this.durable.add(name);
    };
    return file;
  }

  #drop(path: string): void {
    this.durable.delete(path);
    if (![...this.durable].some((name) => saltOf(name) === saltOf(path))) this.lost.push(path);
  }
}

test('a power cut takes no file that is being taken over', async () => {
  const worst = new WorstDisk();
  const spool = await besideLeftBehind(worst.disk);
  const other = join(dir, 'instance-1');
  for (const name of readdirSync(other)) worst.durable.add(join(other, name));
  expect(worst.durable.size).toBe(3);
  await spool.adopt();
  expect(worst.lost).toEqual([]);
  expect([...worst.durable].map(dirname)).toEqual([spool.dir, spool.dir, spool.dir]);
  expect(readdirSync(other)).toEqual([]);
  expect(await drainSpool(spool)).toEqual(['one', 'two', 'three']);
});

test('what keeps its old name because the taking over was interrupted comes twice', async () => {
  let unlinks = 0;
  const unlink = async (path: string) => {
    unlinks += 1;
    if (unlinks === 2) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    await machineDisk.unlink(path);
  };
  const spool = await besideLeftBehind({ ...machineDisk, unlink });
  await expect(spool.adopt()).rejects.toMatchObject({ code: 'DQ_SPOOL_UNAVAILABLE' });
  expect(await drainSpool(spool)).toEqual(['one', 'two', 'three']);
  await spool.adopt();
  expect(await drainSpool(spool)).toEqual(['two', 'three']);
});

test('where a file can have no second name it is renamed', async () => {
  const link = () => Promise.reject(Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' }));
  const spool = await besideLeftBehind({ ...machineDisk, link });
  await spool.adopt();
  expect(readdirSync(join(dir, 'instance-1'))).toEqual([]);
  expect(await drainSpool(spool)).toEqual(['one', 'two', 'three']);
});

test('what lies in a part that one had to move to comes out, however often its folder cannot be listed at first', async () => {
  let failures = 2;
  const readdir = async (path: string) => {
    if (basename(path) === 'instance-1' && failures-- > 0) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    return machineDisk.readdir(path);
  };
  const spool = await openSpool({ ...machineDisk, readdir });
  unlinkSync(join(spool.dir, 'lock'));
  await openSpool();
  const other = await openSpool();
  await other.append([Buffer.from('left behind')]);
  open.splice(open.indexOf(other), 1);
  await other.close();
  const unavailable = { code: 'DQ_SPOOL_UNAVAILABLE', retryable: true };
  await expect(spool.append([Buffer.from('refused')])).rejects.toMatchObject(unavailable);
  expect([spool.dir, spool.isEmpty]).toEqual([other.dir, false]);
  await expect(spool.oldest()).rejects.toMatchObject(unavailable);
  await spool.append([Buffer.from('again')]);
  expect(await drainSpool(spool)).toEqual(['again', 'left behind']);
  expect([failures < 0, spool.isEmpty, spool.bytes]).toEqual([true, true, 0]);
});
