import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { assert } from '../../lib/assert.ts';
import { DataQuarantineError, type ErrorCode, messageOf } from '../../lib/errors.ts';
import { freePorts } from './free-ports.ts';
import { processTree } from './process-tree.ts';
import { Reaper } from './reaper.ts';

/** Where one server lives: a folder of its own and the ports chosen for it. */
export interface Place {
  readonly dir: string;
  readonly ports: readonly number[];
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** What the launcher must know to run one kind of server. */
export interface Recipe {
  readonly name: string;
  readonly errorCode: ErrorCode;
  readonly portsCount: number;
  /** Asks the server to end in an orderly way. */
  readonly stopSignal: 'SIGINT' | 'SIGTERM';
  /** Ends the server and its children at once when the launcher has died. */
  readonly reapSignal: 'KILL' | 'QUIT';
  /** Makes the folder ready. It is called again after ports were taken and on a folder that holds data already. */
  prepare(place: Place): Promise<void>;
  command(place: Place): Command;
  isReady(place: Place, pid: number): Promise<boolean>;
  /** Files that the server leaves outside its folder. */
  litter?(place: Place): readonly string[];
}

export interface ServerOptions {
  /** A folder whose data outlives the server. Without it the data lie in a fresh temporary folder that `close` removes. */
  readonly dir?: string | undefined;
}

const readyWithinMsMax = 60_000;
const stopWithinMsMax = 20_000;
const portTriesMax = 5;
const portTaken = /address already in use|EADDRINUSE|BindException|could not bind|bind: /i;

/**
 * One server program in a process group of its own, with a reaper beside it.
 * States: stopped → running ⇄ paused → stopped, and so on, always with the same ports and data; closed is the end.
 */
export class Server {
  readonly #recipe: Recipe;
  readonly #place: Place;
  readonly #removeDir: boolean;
  readonly #reaper: Reaper;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(recipe: Recipe, place: Place, removeDir: boolean) {
    this.#recipe = recipe;
    this.#place = place;
    this.#removeDir = removeDir;
    this.#reaper = new Reaper({ signal: recipe.reapSignal, litter: this.#litter() });
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get logFile(): string {
    return path.join(this.#place.dir, 'server.log');
  }

  /** Starts the program and returns when it answers. */
  async start(): Promise<void> {
    assert(this.#child === null, `${this.#recipe.name} is started once at a time`);
    const child = await this.#spawn();
    const pid = child.pid;
    if (pid === undefined) throw await this.#failure('cannot be started');
    const deadline = performance.now() + readyWithinMsMax;
    while (!(await this.#recipe.isReady(this.#place, pid))) {
      if (this.#child !== child) throw await this.#failure('ended while it was starting');
      if (performance.now() > deadline) {
        const failure = await this.#failure(`did not answer within ${readyWithinMsMax / 1000} s`);
        await this.kill();
        throw failure;
      }
      await sleep(100);
    }
  }

  /** Asks the program to end, and ends it by force when it takes too long. */
  async stop(): Promise<void> {
    await this.resume();
    this.#child?.kill(this.#recipe.stopSignal);
    const stopped = new AbortController();
    const late = sleep(stopWithinMsMax, 'late', { signal: stopped.signal }).catch(() => 'stopped');
    const first = await Promise.race([this.#exited, late]);
    stopped.abort();
    if (first === 'late') await this.kill();
  }

  /** Ends the program as a crash of the machine would: nobody is asked. */
  async kill(): Promise<void> {
    await this.#signalAll('SIGKILL');
    await this.#exited;
  }

  /** Freezes the program and its children: connections stay open and nothing answers. */
  pause(): Promise<void> {
    return this.#signalAll('SIGSTOP');
  }

  resume(): Promise<void> {
    return this.#signalAll('SIGCONT');
  }

  /** Ends the program; data in a temporary folder are removed, data in a given folder are kept whole. */
  async close(): Promise<void> {
    await (this.#removeDir ? this.kill() : this.stop());
    await Promise.all(this.#litter().map((file) => rm(file, { recursive: true, force: true, maxRetries: 5 })));
    this.#reaper.done();
  }

  async #spawn(): Promise<ChildProcess> {
    const { file, args, env, user } = this.#recipe.command(this.#place);
    const log = await open(this.logFile, 'a');
    try {
      const options = { ...user, cwd: this.#place.dir, env: { ...process.env, ...env } };
      const child = spawn(file, args, { ...options, detached: true, stdio: ['ignore', log.fd, log.fd] });
      this.#child = child;
      if (child.pid !== undefined) this.#reaper.runs(child.pid);
      this.#exited = new Promise((resolve) => {
        const ended = (): void => {
          this.#child = null;
          this.#reaper.gone();
          resolve();
        };
        child.once('exit', ended);
        child.once('error', ended);
      });
      return child;
    } finally {
      await log.close();
    }
  }

  async #signalAll(signal: NodeJS.Signals): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    for (const member of await processTree(pid)) {
      try {
        process.kill(member, signal);
      } catch {
        // It ended between the list and the signal.
      }
    }
  }

  #litter(): string[] {
    return [...(this.#recipe.litter?.(this.#place) ?? []), ...(this.#removeDir ? [this.#place.dir] : [])];
  }

  async #failure(what: string): Promise<DataQuarantineError> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    const tail = log.trimEnd().split('\n').slice(-20).join('\n');
    return new DataQuarantineError(this.#recipe.errorCode, `${this.#recipe.name} ${what}. The end of its log:\n${tail}`);
  }
}

/** Opens a server on free ports; when another process was faster to one of them, others are chosen. */
export async function openServer(recipe: Recipe, options: ServerOptions): Promise<{ server: Server; place: Place }> {
  const dir = options.dir ?? (await temporaryDir());
  await mkdir(dir, { recursive: true });
  for (let tries = 1; ; tries += 1) {
    const place: Place = { dir, ports: await freePorts(recipe.portsCount) };
    const server = new Server(recipe, place, options.dir === undefined);
    try {
      await recipe.prepare(place);
      await server.start();
      return { server, place };
    } catch (error) {
      const again = tries < portTriesMax && portTaken.test(messageOf(error));
      await server.close();
      if (!again) throw error;
      await mkdir(dir, { recursive: true });
    }
  }
}

/** The server may run as another user, who must be able to pass through the folder. */
async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'dataquarantine-'));
  await chmod(dir, 0o711);
  return dir;
}

/** Runs a program to its end. A failure names the program and carries what it said. */
export async function runToEnd(command: Command, cwd: string): Promise<void> {
  try {
    await promisify(execFile)(command.file, command.args, { ...command.user, cwd, env: { ...process.env, ...command.env } });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new Error(`${command.file} failed: ${said || messageOf(error)}`, { cause: error });
  }
}
