import { link, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderLock, lockFolder } from './folder-lock.ts';

/** An open file, as far as the spool uses it. */
export interface DiskFile {
  writev(buffers: readonly Buffer[], position: number): Promise<{ readonly bytesWritten: number }>;
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
  writeFile(bytes: Buffer): Promise<void>;
  /** Resolves when the bytes are on the disk itself. */
  datasync(): Promise<void>;
  /** The same; of a folder, when its entries are. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** What the spool asks of its disk: the calls of `node:fs/promises` by their names, and the lock. The simulation has a disk that loses power. */
export interface SpoolDisk {
  open(path: string, flags: 'r' | 'w' | 'wx', mode?: number): Promise<DiskFile>;
  readFile(path: string): Promise<Buffer>;
  readdir(path: string): Promise<string[]>;
  mkdir(path: string, options: { readonly recursive: true }): Promise<string | undefined>;
  link(path: string, another: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<{ readonly size: number }>;
  lockFolder(dir: string): Promise<FolderLock | null>;
}

export const machineDisk: SpoolDisk = { open, readFile, readdir, mkdir, link, rename, unlink, stat, lockFolder };

/** Makes the entries of a folder durable. */
export async function syncFolder(disk: SpoolDisk, dir: string): Promise<void> {
  const folder = await disk.open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Writes all of it from `start` on. Throws where the disk takes only a part. */
export async function writeAll(file: DiskFile, buffers: readonly Buffer[], start: number): Promise<void> {
  let at = start;
  for (let first = 0; first < buffers.length; ) {
    // The kernel takes at most 1,024 parts at once.
    const some = buffers.slice(first, first + 1_000);
    const { bytesWritten } = await file.writev(some, at);
    if (bytesWritten === some.reduce((sum, buffer) => sum + buffer.length, 0)) {
      at += bytesWritten;
      first += some.length;
      continue;
    }
    // A short write mostly means that the disk is full: the next one says so.
    const rest = Buffer.concat(some).subarray(bytesWritten);
    await file.write(rest, 0, rest.length, at + bytesWritten).then(({ bytesWritten: more }) => {
      if (more < rest.length) throw new Error('the disk took only a part of a write');
    });
    at += bytesWritten + rest.length;
    first += some.length;
  }
}

/** Makes a file durable beside the spool. What is put aside again replaces what was put aside before. */
export async function writeAside(disk: SpoolDisk, { dir, name }: { dir: string; name: string }, bytes: Buffer): Promise<void> {
  const file = await disk.open(join(dir, name), 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(disk, dir);
}
