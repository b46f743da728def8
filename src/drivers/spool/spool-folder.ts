import { hash, randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { FolderLock } from './folder-lock.ts';
import { machineDisk, type SpoolDisk, syncFolder } from './spool-disk.ts';

/** The parts of the spool's folder, `instance-0`, `instance-1` and so on, each held by one process at a time. */
const partsMax = 100;
const partName = (number: number) => `instance-${number}`;

/** One file of the spool. Its name is its place in the order and the salt of its checksums. */
export interface SpoolFileName {
  readonly name: string;
  readonly number: number;
  readonly salt: number;
}

/** A part of the spool's folder that is ours. */
export interface SpoolPart {
  readonly dir: string;
  readonly lock: FolderLock;
}

/** The spool of one deployment in the folder of the settings: several that share a folder by accident must not take over each other's. */
export function spoolFolder(dir: string, { clusterId, group }: { clusterId: string; group: string }): string {
  const readable = group.replaceAll(/[^\w.-]/g, '_').slice(0, 60);
  return join(dir, `${readable}-${hash('sha256', `${clusterId}/${group}`).slice(0, 12)}`);
}

export function newFileName(number: number): SpoolFileName {
  return fileName(number, randomBytes(4).readUInt32BE());
}

function fileName(number: number, salt: number): SpoolFileName {
  return { name: `${String(number).padStart(12, '0')}-${salt.toString(16).padStart(8, '0')}.spool`, number, salt };
}

/** The spool's files in `dir`, in their order. */
export async function filesOf(dir: string, disk: SpoolDisk = machineDisk): Promise<SpoolFileName[]> {
  const names = (await disk.readdir(dir)).sort();
  return names.flatMap((name) => {
    const [, number, salt] = /^(\d{12})-([\da-f]{8})\.spool$/.exec(name) ?? [];
    return number === undefined || salt === undefined ? [] : [{ name, number: Number(number), salt: Number.parseInt(salt, 16) }];
  });
}

/** Every part that there is, whoever holds it. Empty where there is no spool yet. */
export async function partsOf(dir: string, disk: SpoolDisk = machineDisk): Promise<string[]> {
  const names = await disk.readdir(dir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names
    .filter((name) => /^instance-\d{1,2}$/.test(name))
    .sort()
    .map((name) => join(dir, name));
}

/** What was put aside in any part, by its path. */
export async function refusedFiles(dir: string, disk: SpoolDisk): Promise<string[]> {
  const parts = await partsOf(dir, disk);
  const names = await Promise.all(parts.map(async (part) => (await disk.readdir(part)).map((name) => join(part, name))));
  return names.flat().filter((path) => path.endsWith('.refused'));
}

/** Takes the first part that nobody holds; makes it if need be. Null if all are held. */
export async function takePart(dir: string, disk: SpoolDisk): Promise<SpoolPart | null> {
  for (let number = 0; number < partsMax; number++) {
    const part = join(dir, partName(number));
    await makeFolder(part, disk);
    const lock = await disk.lockFolder(part);
    if (lock) return { dir: part, lock };
  }
  return null;
}

export interface AdoptOptions {
  readonly disk: SpoolDisk;
  readonly numberNext: number;
  /** Told of each file under its new name as soon as it has it: where a later one fails, those before it are ours all the same. */
  readonly onMoved: (file: SpoolFileName, bytes: number) => void;
}

/**
 * Moves the files of parts that nobody holds into ours, behind what lies there: their instances ended and may never come back. At every
 * moment each of them that can have two names is durable under one at least.
 */
export async function adoptFiles(dir: string, part: SpoolPart, { disk, numberNext, onMoved }: AdoptOptions): Promise<void> {
  let number = numberNext;
  for (const other of await partsOf(dir, disk)) {
    if (other === part.dir || (await filesOf(other, disk)).length === 0) continue;
    const lock = await disk.lockFolder(other);
    if (!lock) continue;
    const oldNames: string[] = [];
    try {
      for (const file of await filesOf(other, disk)) {
        const from = join(other, file.name);
        const bytes = await bytesOf(from, disk);
        const moved = fileName(number++, file.salt);
        if (await nameAnew(from, join(part.dir, moved.name), disk)) oldNames.push(from);
        onMoved(moved, bytes);
      }
    } finally {
      await dropOldNames(oldNames, { part, lock, disk });
    }
  }
}

/** What a file system answers that gives a file no second name. */
const noSecondName: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Gives a file its new name beside the old one. To rename it would change two folders, and nothing promises that a power cut leaves both
 * changes or neither: it may take the file. False where it is renamed all the same, because it cannot have two names: some file systems
 * know none, and Linux forbids them for another user's file that one may not write.
 */
async function nameAnew(from: string, to: string, disk: SpoolDisk): Promise<boolean> {
  try {
    await disk.link(from, to);
    return true;
  } catch (error) {
    if (!noSecondName.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await disk.rename(from, to);
    return false;
  }
}

interface OldNames {
  readonly part: SpoolPart;
  /** Of the part that had them. */
  readonly lock: FolderLock;
  readonly disk: SpoolDisk;
}

/** Makes the new names durable, and only then takes the old ones away and lets their part go. What is interrupted in between comes twice. */
async function dropOldNames(paths: readonly string[], { part, lock, disk }: OldNames): Promise<void> {
  try {
    await syncFolder(disk, part.dir);
    for (const path of paths) await disk.unlink(path);
  } finally {
    await lock.release();
  }
}

async function makeFolder(dir: string, disk: SpoolDisk): Promise<void> {
  const made = await disk.mkdir(dir, { recursive: true });
  if (made === undefined) return;
  for (let at = dir; at !== dirname(made); at = dirname(at)) await syncFolder(disk, dirname(at));
}

export async function bytesOf(path: string, disk: SpoolDisk): Promise<number> {
  return (await disk.stat(path)).size;
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
