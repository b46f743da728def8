import { access, constants, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import { joined, type ObjectStore, objectDamaged, objectExists } from './object-store.ts';

/** Error numbers that stay as they are until somebody changes rights, mounts or settings. All others may pass. */
const refusals: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'EEXIST']);

/**
 * Objects as files below one folder. A file is made with O_EXCL and synced before its folder, so that a crash leaves it whole or
 * leaves no row that points at it. The folder itself is made by `ensure` alone: a volume that is not mounted must not go unnoticed.
 */
export class FileStore implements ObjectStore {
  readonly #root: string;
  /** Folders whose whole chain up to the root was synced by this process. One a topic and day. */
  readonly #foldersSynced = new Set<string>();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  async put(key: string, bytes: Buffer | readonly Buffer[]): Promise<void> {
    const path = this.#pathOf(key);
    await attempt(`write ${path}`, async () => {
      await this.#makeFolder(dirname(path));
      if (!(await writeNew(path, bytes))) {
        if (!(await readFile(path)).equals(joined(bytes))) throw objectExists(path);
        await sync(path);
      }
      await sync(dirname(path));
    });
  }

  async read(key: string, offset: number, length: number): Promise<Buffer> {
    const path = this.#pathOf(key);
    if (length === 0) return Buffer.alloc(0);
    return attempt(`read ${path}`, async () => {
      const file = await open(path, 'r').catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') throw objectDamaged(path, 'it is missing');
        throw error;
      });
      try {
        return await readFully(file, { path, offset, length });
      } finally {
        await file.close();
      }
    });
  }

  async ensure(): Promise<void> {
    await attempt(`make the folder ${this.#root}`, async () => {
      await mkdir(this.#root, { recursive: true });
      await sync(dirname(this.#root));
    });
  }

  async check(): Promise<void> {
    await attempt(`use the folder ${this.#root}`, async () => {
      if (!(await stat(this.#root)).isDirectory()) throw new DataQuarantineError('DQ_STORAGE_REFUSED', `${this.#root} is no folder`);
      await access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK);
    });
  }

  async close(): Promise<void> {}

  async #makeFolder(folder: string): Promise<void> {
    if (this.#foldersSynced.has(folder)) return;
    await access(this.#root);
    await mkdir(folder, { recursive: true });
    for (let at = folder; at !== this.#root; at = dirname(at)) await sync(dirname(at));
    this.#foldersSynced.add(folder);
  }

  #pathOf(key: string): string {
    if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      throw new DataQuarantineError('DQ_STORAGE_REFUSED', `no object can have the key ${JSON.stringify(key)}`);
    }
    return join(this.#root, key);
  }
}

/** False, with nothing changed, if the file is there already. A file that could not be written whole is taken away again. */
async function writeNew(path: string, bytes: Buffer | readonly Buffer[]): Promise<boolean> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    if (codeOf(error) === 'EEXIST') return null;
    throw error;
  });
  if (!file) return false;
  try {
    for (const part of Buffer.isBuffer(bytes) ? [bytes] : bytes) await file.writeFile(part);
    await file.sync();
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

interface Range {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

async function readFully(file: Awaited<ReturnType<typeof open>>, { path, offset, length }: Range): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) throw objectDamaged(path, `it ends before byte ${offset + length}`);
    at += bytesRead;
  }
  return bytes;
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DataQuarantineError) throw error;
    const code = refusals.has(codeOf(error) ?? '') ? 'DQ_STORAGE_REFUSED' : 'DQ_STORAGE_UNREACHABLE';
    throw new DataQuarantineError(code, `cannot ${what}: ${messageOf(error)}`, { cause: error });
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
