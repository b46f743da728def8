import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export type Line = Readonly<Record<string, unknown>>;

export interface ChildOptions {
  /** Its own program, or this Node with a script as the first argument. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Linux counts processor time in ticks of 1/100 s, whatever its kernel's own clock is. */
const ticksPerSecond = 100;
const residentMsInterval = 250;

/** What still runs. A bench that is ended in the middle must not leave a service behind that looks for its servers for ever. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/**
 * A program under measurement: its JSON lines, its processor time and its memory, all seen from outside so that looking does not
 * slow it. What it writes to standard error is kept for the case that it fails. Figures are null where there is no /proc.
 */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #words: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #residents: number[] = [];
  readonly #exit: Promise<number>;
  #ended = false;

  constructor({ program, args, env, cwd }: ChildOptions) {
    this.#process = spawn(program, args, {
      // Yardsticks run on the system's own allocator, whatever the bench runs on.
      env: { ...process.env, LD_PRELOAD: undefined, MALLOC_CONF: undefined, ...env },
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    living.add(this.#process);
    const sampling = setInterval(() => this.#sampleResident(), residentMsInterval);
    const { stdout, stderr } = this.#process;
    createInterface({ input: stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line));
    createInterface({ input: stderr as NodeJS.ReadableStream }).on('line', (line) => this.#words.push(line));
    this.#exit = once(this.#process, 'close').then(([code, signal]) => {
      clearInterval(sampling);
      living.delete(this.#process);
      this.#ended = true;
      this.#wake();
      return typeof code === 'number' ? code : `${signal}` === 'SIGTERM' ? 0 : 1;
    });
  }

  /** The first line, from the program's start on, that `wanted` takes. Throws if the program ends without it. */
  async line(wanted: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.#lines.find(wanted);
      if (found) return found;
      if (this.#ended) throw this.#failure('ended too early');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Never resolves; throws when the program ends with anything but success. What it is waited for may then never come. */
  async failed(): Promise<never> {
    await this.ended();
    return new Promise<never>(() => {});
  }

  /** Processor seconds of all its threads so far. */
  cpuSeconds(): number | null {
    // The name of the program, in parentheses, may hold spaces.
    const fields = this.#proc('stat')?.split(') ').at(-1)?.split(' ');
    return fields ? (Number(fields[11]) + Number(fields[12])) / ticksPerSecond : null;
  }

  /** The most bytes that were resident at one moment, as the kernel counts. */
  residentBytesPeak(): number | null {
    return this.#status('VmHWM');
  }

  /** The mean of the resident bytes, sampled four times a second since the last call. */
  residentBytesMean(): number | null {
    const samples = this.#residents.splice(0);
    return samples.length === 0 ? null : samples.reduce((sum, bytes) => sum + bytes, 0) / samples.length;
  }

  /** Asks the program to end and waits until it has. Throws if it ends with anything but success. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.ended();
  }

  async ended(): Promise<void> {
    const code = await this.#exit;
    if (code !== 0) throw this.#failure(`ended with ${code}`);
  }

  /** Ends it at once, whatever it is doing. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }

  #take(text: string): void {
    try {
      this.#lines.push(JSON.parse(text) as Line);
    } catch {
      this.#words.push(text);
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #sampleResident(): void {
    const bytes = this.#status('VmRSS');
    if (bytes !== null) this.#residents.push(bytes);
  }

  #status(name: string): number | null {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(this.#proc('status') ?? '')?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1_024;
  }

  #proc(file: string): string | null {
    try {
      return readFileSync(`/proc/${this.#process.pid}/${file}`, 'utf8');
    } catch {
      return null;
    }
  }

  #failure(what: string): Error {
    const said = [...this.#words, ...this.#lines.map((line) => JSON.stringify(line))].slice(-20).join('\n');
    return new Error(`${this.#process.spawnargs.slice(0, 3).join(' ')} ${what}: ${said}`);
  }
}
