import { join } from 'node:path';
import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import { type DiskFile, machineDisk, type SpoolDisk, syncFolder, writeAll, writeAside } from './spool-disk.ts';
import {
  adoptFiles,
  bytesOf,
  filesOf,
  isMissing,
  newFileName,
  refusedFiles,
  type SpoolFileName,
  type SpoolPart,
  takePart,
} from './spool-folder.ts';
import { decodeFrames, encodeFrame, frameHeadBytes, type SpoolDamage } from './spool-frames.ts';

export interface SpoolOptions {
  /** The folder of the whole spool. Each process takes a part of it, and what other parts hold that nobody has any more. */
  readonly dir: string;
  /** The machine's own if left out. */
  readonly disk?: SpoolDisk;
  /** The most that this process keeps there; beyond it `append` refuses. */
  readonly bytesMax: number;
  /** A file that has grown to this is closed and the next one begun. What is read and drained at once is a file. */
  readonly fileBytesMax: number;
  /** Told of the undrained bytes whenever they change. */
  readonly onBytes: (bytes: number) => void;
  /** Told of every place of a file that could not be read. Damaged bytes were put aside, under `keptAs`. */
  readonly onDamage: (damage: SpoolDamage & { readonly file: string; readonly keptAs: string | null }) => void;
  /** Told once of a file that somebody removed, or that cannot be read now and is left behind those that can. */
  readonly onSkipped: (skipped: {
    readonly file: string;
    readonly bytes: number;
    readonly isGone: boolean;
    readonly reason: string;
  }) => void;
}

/** The records of one file, in the order in which they were appended. */
export interface SpooledFile {
  readonly name: string;
  readonly records: readonly Buffer[];
}

interface StoredFile extends SpoolFileName {
  bytes: number;
  /** The last attempt to read it failed. */
  isSkipped?: boolean;
}

/** The file that is appended to. `bytes` is what is durable of it. */
interface OpenFile extends StoredFile {
  readonly handle: DiskFile;
}

interface Append {
  readonly records: readonly Buffer[];
  readonly bytes: number;
  readonly done: Deferred;
}

/**
 * Records on disk until their way is free again: appended at the end, read and removed file by file from the start.
 *
 * `append` resolves when the records are on the disk itself, file and folder; appends that come while others are being written share
 * the next write. A write that fails ends its file at the last durable byte, and nothing more is written to that file: after a
 * failed fsync the kernel may have forgotten what it could not write. Files of an earlier process are read, never appended to.
 * A file is removed only by `remove`, when all in it was drained; a crash before that brings the whole file back.
 * Limits: `bytesMax` bytes, each record below 4 GiB; one part of the folder for each of up to a hundred processes of one machine.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #disk: SpoolDisk;
  #part: SpoolPart;
  /** Is it known what lay in the part when it became ours? */
  #isListed = false;
  readonly #files: StoredFile[] = [];
  #active: OpenFile | null = null;
  #numberNext = 0;
  readonly #waiting: Append[] = [];
  /** Bytes of appends that are not done yet, those being written among them. */
  #openBytes = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: SpoolOptions, part: SpoolPart) {
    this.#options = options;
    this.#disk = options.disk ?? machineDisk;
    this.#part = part;
  }

  /** Throws `DQ_SPOOL_UNAVAILABLE` if the folder cannot be used now, `DQ_SPOOL_TAKEN` if other processes hold all of it. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { dir, disk = machineDisk } = options;
    return attempt(`open the spool ${dir}`, async () => {
      const part = await anyPart(dir, disk);
      const spool = new Spool(options, part);
      try {
        await spool.#adopt();
      } catch (error) {
        await part.lock.release();
        throw error;
      }
      return spool;
    });
  }

  /** Bytes that are not drained yet. */
  get bytes(): number {
    let bytes = this.#active?.bytes ?? 0;
    for (const file of this.#files) bytes += file.bytes;
    return bytes;
  }

  /** False as well while nobody has seen what lies in the part: {@link oldest} looks. */
  get isEmpty(): boolean {
    return this.#files.length === 0 && this.#active === null && this.#isListed;
  }

  /** Where this process keeps its files. */
  get dir(): string {
    return this.#part.dir;
  }

  /**
   * Resolves when the records are durable. The buffers must not change until then. Throws `DQ_SPOOL_FULL` or `DQ_SPOOL_UNAVAILABLE`
   * (no space, read-only, a failing disk); then none of these records counts as kept, and the same call may be made again.
   */
  async append(records: readonly Buffer[]): Promise<void> {
    const { dir, bytesMax } = this.#options;
    if (this.#closed) throw new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', `the spool ${dir} is closed.`);
    let bytes = 0;
    for (const record of records) bytes += frameHeadBytes + record.length;
    if (this.bytes + this.#openBytes + bytes > bytesMax) {
      throw new DataQuarantineError('DQ_SPOOL_FULL', `the spool ${dir} holds ${this.bytes} of ${bytesMax} bytes (spool.bytesMax).`);
    }
    const done = createDeferred();
    this.#waiting.push({ records, bytes, done });
    this.#openBytes += bytes;
    if (this.#waiting.length === 1) void this.#inTurn(() => this.#writeWaiting());
    await done.promise;
  }

  /**
   * The oldest file that can be read, with all its records, null if there is none. The same one comes again until it is removed.
   * Throws `DQ_SPOOL_UNAVAILABLE` if there are files, or may be, and none of them can be read.
   */
  oldest(): Promise<SpooledFile | null> {
    return this.#inTurn(() => attempt(`read the spool ${this.#part.dir}`, () => this.#oldest()));
  }

  /** Forgets a file that {@link oldest} gave: everything in it is durable elsewhere. */
  remove({ name }: SpooledFile): Promise<void> {
    return this.#inTurn(() =>
      attempt(`remove ${name} from the spool`, async () => {
        await this.#disk.unlink(join(this.#part.dir, name)).catch(ignoreMissing);
        this.#forget(name);
      }),
    );
  }

  /** Puts a record of a file aside that nobody takes, as a file of its own with the same frame, and returns its path. */
  refuse({ name, records }: SpooledFile, index: number): Promise<string> {
    return this.#inTurn(() =>
      attempt(`put a refused record of ${name} aside`, async () => {
        const refusedAs = `${name}.${index}.refused`;
        const salt = this.#files.find((file) => file.name === name)?.salt;
        const record = records[index];
        assert(salt !== undefined && record !== undefined, 'a record that is refused is one of a file that is there');
        await writeAside(this.#disk, { dir: this.#part.dir, name: refusedAs }, Buffer.concat(encodeFrame(record, salt)));
        return join(this.#part.dir, refusedAs);
      }),
    );
  }

  /** The paths of all records that were put aside and still lie there, in any part of the folder. */
  refused(): Promise<readonly string[]> {
    return attempt(`look through the spool ${this.#options.dir}`, () => refusedFiles(this.#options.dir, this.#disk));
  }

  /** Takes over what processes left behind that have ended meanwhile. */
  adopt(): Promise<void> {
    return this.#inTurn(() => attempt(`look through the spool ${this.#options.dir}`, () => this.#adopt()));
  }

  /** Ends when what was appended is durable or has failed; then another process may take the folder. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#inTurn(() => this.#finish());
    await this.#part.lock.release();
  }

  /** One after another: what touches the files. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #adopt(): Promise<void> {
    await this.#listPart();
    const onMoved = (file: SpoolFileName, bytes: number) => this.#list(file, bytes);
    await adoptFiles(this.#options.dir, this.#part, { disk: this.#disk, numberNext: this.#numberNext, onMoved });
  }

  /** Lists what lay in the part when it became ours, once. What fails is asked again at the next call, when files of our own lie there too. */
  async #listPart(): Promise<void> {
    if (this.#isListed) return;
    const { dir } = this.#part;
    const own = new Set([...this.#files, ...(this.#active ? [this.#active] : [])].map(({ name }) => name));
    const found = (await filesOf(dir, this.#disk)).filter(({ name }) => !own.has(name));
    const sizes: number[] = [];
    for (const { name } of found) sizes.push(await bytesOf(join(dir, name), this.#disk));
    for (const [index, file] of found.entries()) this.#list(file, sizes[index] as number);
    this.#isListed = true;
  }

  #list(file: SpoolFileName, bytes: number): void {
    this.#files.push({ ...file, bytes });
    this.#numberNext = Math.max(this.#numberNext, file.number + 1);
    this.#options.onBytes(this.bytes);
  }

  /** Writes what waits, as much as belongs into the current file; the rest in further turns. Never throws. */
  async #writeWaiting(): Promise<void> {
    const group = this.#takeGroup();
    try {
      await attempt(`write to the spool ${this.#part.dir}`, () => this.#write(group));
      for (const { done } of group) done.resolve();
    } catch (error) {
      for (const { done } of group) done.reject(error);
    }
    for (const { bytes } of group) this.#openBytes -= bytes;
    if (this.#waiting.length > 0) void this.#inTurn(() => this.#writeWaiting());
  }

  #takeGroup(): Append[] {
    let room = this.#options.fileBytesMax - (this.#active?.bytes ?? 0);
    let count = 0;
    for (const { bytes } of this.#waiting) {
      if (room <= 0) break;
      room -= bytes;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Append[]): Promise<void> {
    const file = (this.#active ??= await this.#create());
    const frames = group.flatMap(({ records }) => records.flatMap((record) => encodeFrame(record, file.salt)));
    try {
      await writeAll(file.handle, frames, file.bytes);
      await file.handle.datasync();
      if (!(await this.#part.lock.isHeld())) await this.#moveOut();
    } catch (error) {
      if (this.#active === file) await this.#abandon(file);
      throw error;
    }
    for (const { bytes } of group) file.bytes += bytes;
    this.#options.onBytes(this.bytes);
    if (file.bytes >= this.#options.fileBytesMax) await this.#finish();
  }

  async #create(): Promise<OpenFile> {
    const file = newFileName(this.#numberNext++);
    const path = join(this.#part.dir, file.name);
    const handle = await this.#disk.open(path, 'wx', 0o600);
    try {
      await syncFolder(this.#disk, this.#part.dir);
    } catch (error) {
      await handle.close();
      await this.#disk.unlink(path);
      throw error;
    }
    return { ...file, bytes: 0, handle };
  }

  /**
   * Another process took our part and drains it. What was not durable before that it may never see, so it is written to another part. What
   * lies there is listed by the next who drains.
   */
  async #moveOut(): Promise<never> {
    const { dir } = this.#options;
    const lost = this.#part;
    this.#files.length = 0;
    await this.#active?.handle.close();
    this.#active = null;
    this.#part = await anyPart(dir, this.#disk);
    this.#isListed = false;
    this.#options.onBytes(this.bytes);
    await lost.lock.release();
    throw new DataQuarantineError(
      'DQ_SPOOL_UNAVAILABLE',
      `another process took ${lost.dir} of the spool over; it goes on in ${this.#part.dir}.`,
    );
  }

  /** Ends a file whose last write failed. What cannot be cut off is a repetition or torn, and known as such when it is read. */
  async #abandon(file: OpenFile): Promise<void> {
    await file.handle.truncate(file.bytes).catch(() => {});
    await this.#finish();
  }

  /** No more is written to the current file. */
  async #finish(): Promise<void> {
    const file = this.#active;
    if (!file) return;
    this.#active = null;
    // Its bytes count at every moment.
    if (file.bytes > 0) this.#files.push(file);
    await file.handle.close().catch(() => {});
    if (file.bytes === 0) await this.#disk.unlink(join(this.#part.dir, file.name)).catch(() => {});
  }

  async #oldest(): Promise<SpooledFile | null> {
    const failures: unknown[] = [];
    await this.#listPart().catch((error: unknown) => failures.push(error));
    const tryEach = async (files: readonly StoredFile[]) => {
      for (const file of files) {
        try {
          return { name: file.name, records: await this.#read(file) };
        } catch (error) {
          if (!this.#skip(file, error)) failures.push(error);
        }
      }
      return null;
    };
    const found = await tryEach([...this.#files]);
    if (found) return found;
    // Nothing before it can be read, so the current file is the oldest.
    const before = new Set(this.#files);
    await this.#finish();
    const last = await tryEach(this.#files.filter((file) => !before.has(file)));
    if (!last && failures.length > 0) throw failures[0];
    return last;
  }

  /** Leaves a file that cannot be read where it is. One that is gone is forgotten: then the answer is true. */
  #skip(file: StoredFile, error: unknown): boolean {
    const isGone = isMissing(error);
    if (isGone) this.#forget(file.name);
    if (isGone || !file.isSkipped) {
      this.#options.onSkipped({ file: file.name, bytes: file.bytes, isGone, reason: messageOf(error) });
    }
    file.isSkipped = true;
    return isGone;
  }

  #forget(name: string): void {
    const at = this.#files.findIndex((file) => file.name === name);
    if (at >= 0) this.#files.splice(at, 1);
    this.#options.onBytes(this.bytes);
  }

  /** The whole records of a file. What is damaged is put aside first, so that it is still there when the file is gone. */
  async #read(file: StoredFile): Promise<readonly Buffer[]> {
    const bytes = await this.#disk.readFile(join(this.#part.dir, file.name));
    const { records, damages } = decodeFrames(bytes, file.salt);
    for (const damage of damages) {
      const keptAs = damage.kind === 'damaged' ? `${file.name}.${damage.from}.damaged` : null;
      if (keptAs !== null) await writeAside(this.#disk, { dir: this.#part.dir, name: keptAs }, bytes.subarray(damage.from, damage.to));
      this.#options.onDamage({ ...damage, file: file.name, keptAs });
    }
    return records;
  }
}

async function anyPart(dir: string, disk: SpoolDisk): Promise<SpoolPart> {
  const part = await takePart(dir, disk);
  if (part) return part;
  throw new DataQuarantineError('DQ_SPOOL_TAKEN', `every part of the spool ${dir} is held by another process.`);
}

/** What the file system refuses may pass: space can be freed, and a disk mounted again. */
async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DataQuarantineError) throw error;
    throw new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', `cannot ${what}: ${messageOf(error)}`, { cause: error });
  }
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
