import { dirname } from 'node:path';
import type { FolderLock } from '../../drivers/spool/folder-lock.ts';
import type { DiskFile, SpoolDisk } from '../../drivers/spool/spool-disk.ts';
import { crashed, type World } from './world.ts';

/** A file: what a reader sees, and what of it is on the disk itself. */
interface Inode {
  bytes: Buffer;
  durable: Buffer;
  /** A sync failed: the kernel took for written what is not, and a later sync does not write it again. */
  isForgotten: boolean;
}

/** Why a call fails, as a file system says it. */
type Trouble = 'ENOSPC' | 'EIO' | 'ENOENT' | 'EEXIST';

/**
 * The one disk of the simulated machine. What a process wrote outlives the process, but not a power cut: behind that there is what was
 * synced, and of the rest any part, in any shape. The entries of folders become durable with the sync of a folder, all at once, as a
 * journal writes them; those that were not synced each for itself. So a cut may take both names of a file that was renamed, as it may
 * where there is no journal.
 */
export class SimulatedDisk {
  readonly #world: World;
  readonly #folders = new Set<string>();
  readonly #entries = new Map<string, Inode>();
  #durableEntries = new Map<string, Inode>();
  readonly #locks = new Map<string, ProcessDisk>();
  #onWrite: (() => void) | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** The disk as one process has it. */
  forProcess(): ProcessDisk {
    return new ProcessDisk(this, this.#world);
  }

  /** Calls `work` soon after the next write, most likely before its sync: the moment in which the most can break. */
  atNextWrite(work: () => void): void {
    this.#onWrite = work;
  }

  wrote(): void {
    const work = this.#onWrite;
    this.#onWrite = null;
    if (work) this.#world.time.schedule(this.#world.latencyMs() / 4, work);
  }

  /** All processes are dead already. */
  losePower(): void {
    const { random, books } = this.#world;
    books.note('the power is lost');
    for (const path of new Set([...this.#entries.keys(), ...this.#durableEntries.keys()])) {
      const [now, durable] = [this.#entries.get(path), this.#durableEntries.get(path)];
      const kept = now === durable || random.share() < 0.5 ? durable : now;
      if (kept) this.#entries.set(path, kept);
      else this.#entries.delete(path);
    }
    for (const inode of new Set(this.#entries.values())) {
      inode.bytes = this.#torn(inode);
      inode.durable = inode.bytes;
      inode.isForgotten = false;
    }
    this.#durableEntries = new Map(this.#entries);
  }

  /** What is durable, and of what is not the first part, or all of it with a hole that was never written. */
  #torn({ bytes, durable }: Inode): Buffer {
    const { random } = this.#world;
    const longer = bytes.length - durable.length;
    if (longer <= 0) return durable;
    const end = durable.length + random.below(longer + 1);
    const torn = Buffer.from(bytes.subarray(0, random.share() < 0.3 ? end : bytes.length));
    durable.copy(torn);
    if (torn.length > end) torn.fill(0, end, end + 1 + random.below(torn.length - end));
    return torn;
  }

  folder(path: string): readonly string[] | null {
    if (!this.#folders.has(path)) return null;
    const inside = (at: string) => dirname(at) === path;
    return [...this.#folders, ...this.#entries.keys()].filter(inside).map((at) => at.slice(path.length + 1));
  }

  makeFolder(path: string): string | undefined {
    let made: string | undefined;
    for (let at = path; at !== dirname(at) && !this.#folders.has(at); at = dirname(at)) {
      this.#folders.add(at);
      made = at;
    }
    return made;
  }

  file(path: string): Inode | null {
    return this.#entries.get(path) ?? null;
  }

  create(path: string): Inode {
    const inode: Inode = { bytes: Buffer.alloc(0), durable: Buffer.alloc(0), isForgotten: false };
    this.#entries.set(path, inode);
    return inode;
  }

  link(path: string, another: string): void {
    this.#entries.set(another, this.#entries.get(path) as Inode);
  }

  rename(from: string, to: string): void {
    this.link(from, to);
    this.#entries.delete(from);
  }

  remove(path: string): void {
    this.#entries.delete(path);
  }

  syncFolders(): void {
    this.#durableEntries = new Map(this.#entries);
  }

  lock(dir: string, holder: ProcessDisk): boolean {
    if (this.#locks.has(dir)) return false;
    this.#locks.set(dir, holder);
    return true;
  }

  holds(dir: string, holder: ProcessDisk): boolean {
    return this.#locks.get(dir) === holder;
  }

  /** The kernel gives back the locks of who died. */
  unlock(holder: ProcessDisk, dir?: string): void {
    for (const [at, by] of this.#locks) if (by === holder && (dir === undefined || at === dir)) this.#locks.delete(at);
  }
}

/** The calls of one process. After its death none of them has any effect. */
export class ProcessDisk implements SpoolDisk {
  readonly #disk: SimulatedDisk;
  readonly #world: World;
  #dead = false;

  constructor(disk: SimulatedDisk, world: World) {
    this.#disk = disk;
    this.#world = world;
  }

  die(): void {
    this.#dead = true;
    this.#disk.unlock(this);
  }

  open(path: string, flags: 'r' | 'w' | 'wx'): Promise<DiskFile> {
    return this.#call(flags !== 'r', () => {
      if (flags === 'r') {
        if (this.#disk.folder(path) === null) throw trouble('ENOENT');
        return this.#folderHandle();
      }
      if (flags === 'wx' && this.#disk.file(path)) throw trouble('EEXIST');
      return this.#handle(this.#disk.create(path));
    });
  }

  readFile(path: string): Promise<Buffer> {
    return this.#call(false, () => Buffer.from(this.#existing(path).bytes));
  }

  readdir(path: string): Promise<string[]> {
    return this.#call(false, () => {
      const names = this.#disk.folder(path);
      if (names === null) throw trouble('ENOENT');
      return [...names];
    });
  }

  mkdir(path: string): Promise<string | undefined> {
    return this.#call(true, () => this.#disk.makeFolder(path));
  }

  link(path: string, another: string): Promise<void> {
    return this.#call(true, () => {
      this.#existing(path);
      if (this.#disk.file(another)) throw trouble('EEXIST');
      this.#disk.link(path, another);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(true, () => {
      this.#existing(from);
      this.#disk.rename(from, to);
    });
  }

  unlink(path: string): Promise<void> {
    return this.#call(false, () => {
      this.#existing(path);
      this.#disk.remove(path);
    });
  }

  stat(path: string): Promise<{ readonly size: number }> {
    return this.#call(false, () => ({ size: this.#existing(path).bytes.length }));
  }

  lockFolder(dir: string): Promise<FolderLock | null> {
    return this.#call(false, () => {
      if (!this.#disk.lock(dir, this)) return null;
      return { isHeld: async () => this.#disk.holds(dir, this), release: async () => this.#disk.unlock(this, dir) };
    });
  }

  #existing(path: string): Inode {
    const inode = this.#disk.file(path);
    if (!inode) throw trouble('ENOENT');
    return inode;
  }

  #folderHandle(): DiskFile {
    const none = () => Promise.reject(trouble('EIO'));
    const close = async () => {};
    const sync = () => this.#call(false, () => this.#disk.syncFolders());
    return { writev: none, write: none, writeFile: none, truncate: none, datasync: sync, sync, close };
  }

  #handle(inode: Inode): DiskFile {
    const put = (bytes: Buffer, at: number) => {
      inode.bytes = Buffer.concat([inode.bytes.subarray(0, at), bytes, inode.bytes.subarray(at + bytes.length)]);
      this.#disk.wrote();
      return { bytesWritten: bytes.length };
    };
    const write = (bytes: Buffer, at: number) =>
      this.#call(true, () => {
        // A disk that is nearly full takes a part.
        const isShort = this.#world.random.share() < this.#world.faultShare / 4;
        return put(isShort ? bytes.subarray(0, this.#world.random.below(bytes.length)) : bytes, at);
      });
    const sync = () =>
      this.#call(false, () => {
        if (this.#world.random.share() < this.#world.faultShare / 4) {
          inode.isForgotten = true;
          throw trouble('EIO');
        }
        if (!inode.isForgotten) inode.durable = inode.bytes;
      });
    return {
      writev: (buffers, at) => write(Buffer.concat(buffers), at),
      write: (buffer, offset, length, at) => write(buffer.subarray(offset, offset + length), at),
      writeFile: async (bytes) => void (await this.#call(true, () => put(bytes, 0))),
      datasync: sync,
      sync,
      truncate: (bytes) =>
        this.#call(true, () => {
          inode.bytes = inode.bytes.subarray(0, bytes);
        }),
      close: async () => {},
    };
  }

  /** `takesSpace`: fails while the disk is full. */
  async #call<T>(takesSpace: boolean, work: () => T): Promise<T> {
    await this.#world.pass();
    if (this.#dead) throw crashed();
    if (takesSpace && this.#world.isAway('disk')) throw trouble('ENOSPC');
    if (this.#world.random.share() < this.#world.faultShare / 10) throw trouble('EIO');
    return work();
  }
}

function trouble(code: Trouble): Error {
  return Object.assign(new Error(`the simulated disk says ${code}`), { code });
}
