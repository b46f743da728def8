import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const fillerName = 'filler';
const fillerBytes = 4096;

/**
 * A file system of a few megabytes over a folder, seen by the programs that are started into it and by nobody else, in a mount namespace
 * that ends with this process. Whoever may not mount may do so as root of a user namespace; where the kernel forbids that, too, `open` throws.
 */
export class SmallDisk {
  readonly #holder: ChildProcess;
  readonly #dir: string;

  private constructor(holder: ChildProcess, dir: string) {
    this.#holder = holder;
    this.#dir = dir;
  }

  static async open(dir: string, kilobytes: number): Promise<SmallDisk> {
    // The holder reads from our pipe and so ends with us, however we end.
    const mount = 'mount -t tmpfs -o size="$1"k tmpfs "$0" && echo mounted && exec cat';
    const holder = spawn('unshare', ['--map-root-user', '--mount', 'sh', '-c', mount, dir, String(kilobytes)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const complaint = holder.stderr ? text(holder.stderr) : Promise.resolve('');
    const [said] = await Promise.race([once(holder.stdout as NodeJS.ReadableStream, 'data'), once(holder, 'close').then(() => [''])]);
    if (!String(said).startsWith('mounted')) throw new Error(`no small disk could be mounted: ${(await complaint).trim()}`);
    return new SmallDisk(holder, dir);
  }

  /** What to start in the place of `file` so that it sees the disk. Its process number and its signals are those of `file`. */
  command(file: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] } {
    const enter = ['--target', String(this.#holder.pid), '--user', '--mount', '--preserve-credentials', '--wd=.'];
    return { file: 'nsenter', args: [...enter, file, ...args] };
  }

  /** The folder as this process reaches it from outside. */
  get path(): string {
    return `/proc/${this.#holder.pid}/root${this.#dir}`;
  }

  /** Takes every byte that is left. */
  fill(): void {
    const filler = join(this.path, fillerName);
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(fillerBytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    rmSync(join(this.path, fillerName), { force: true });
  }

  async close(): Promise<void> {
    const ended = once(this.#holder, 'close');
    this.#holder.stdin?.end();
    await ended;
  }
}
