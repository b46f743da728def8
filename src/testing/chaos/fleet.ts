import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../lib/package-root.ts';
import { imageAllocator } from '../image-allocator.ts';
import { startReaper } from '../services/reaper.ts';
import type { ChaosStage } from './stage.ts';

interface Member {
  readonly child: ChildProcess;
  readonly ended: Promise<Death['end']>;
  readonly logFile: string;
  readonly startedMs: number;
  /** We ended it ourselves. */
  isEnding: boolean;
}

/** An instance that ended without being asked to, or not as it was asked to. */
export interface Death {
  /** The exit code, or the name of the signal. */
  readonly end: number | NodeJS.Signals;
  readonly lastLine: string;
  /** Had it come so far as to read? What ends before cannot lose anything: it found a server away and said so. */
  readonly wasRunning: boolean;
}

const restartAfterMs = 500;
/** Longer than a stop may take: `dq run` gives itself 25 seconds. */
const stopMsMax = 30_000;
const startMsMax = 60_000;

/** Ends what still runs when this process dies without a word. Numbers of processes come one a line. */
const reaperScript = `
pids=
while read -r verb pid; do case $verb in runs) pids="$pids $pid" ;; done) exit 0 ;; esac; done
for pid in $pids; do kill -s CONT "$pid"; kill -s KILL "$pid"; done
`;

/** Some instances of `dq run` as processes, each started again when it has ended. */
export class Fleet {
  readonly deaths: Death[] = [];
  /** Ends by SIGTERM that did not come to code 0. */
  readonly badStops: Death[] = [];
  starts = 0;
  readonly #stage: Pick<ChaosStage, 'env' | 'dir' | 'command'>;
  readonly #members = new Set<Member>();
  readonly #reaper = startReaper(reaperScript, []);
  #closing = false;

  constructor(stage: Pick<ChaosStage, 'env' | 'dir' | 'command'>) {
    this.#stage = stage;
  }

  get size(): number {
    return this.#members.size;
  }

  start(): void {
    if (this.#closing) return;
    const { dir, env, command } = this.#stage;
    const logFile = join(dir, `instance-${++this.starts}.log`);
    const { file, args } = command(process.execPath, [
      join(packageRoot, 'bin/dq.cjs'),
      'run',
      '--config',
      join(dir, 'dataquarantine.yaml'),
    ]);
    const child = spawn(file, args, {
      env: { PATH: process.env['PATH'], ...imageAllocator(), ...env },
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#reaper.write(`runs ${child.pid}\n`);
    const log = createWriteStream(logFile);
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    const ended = once(child, 'exit').then(([code, signal]) => {
      log.end();
      return (code ?? signal) as Death['end'];
    });
    const member: Member = { child, ended, logFile, startedMs: performance.now(), isEnding: false };
    this.#members.add(member);
    void ended.then(async (end) => {
      this.#members.delete(member);
      if (member.isEnding) return;
      this.deaths.push(deathOf(end, logFile));
      await sleep(restartAfterMs);
      this.start();
    });
  }

  /** Waits until all of them read. Throws what the last to end said if they do not within a minute: then there is nothing to break. */
  async started(): Promise<void> {
    const deadlineMs = performance.now() + startMsMax;
    const isStarted = ({ logFile }: Member) => hasStarted(readOrNothing(logFile));
    while (this.#members.size === 0 || ![...this.#members].every(isStarted)) {
      if (performance.now() > deadlineMs)
        throw new Error(`not all instances started: ${this.deaths.at(-1)?.lastLine ?? 'they are still at it'}`);
      await sleep(250);
    }
  }

  /** One of them, by a number of any size; undefined when there is none. */
  pick(number: number): Member | undefined {
    const all = [...this.#members].filter(({ isEnding }) => !isEnding);
    return all[number % Math.max(1, all.length)];
  }

  async kill(member: Member): Promise<void> {
    member.isEnding = true;
    member.child.kill('SIGKILL');
    await member.ended;
  }

  /** SIGTERM, as a supervisor does it. */
  async stop(member: Member): Promise<void> {
    member.isEnding = true;
    member.child.kill('SIGTERM');
    const late = new AbortController();
    const lateKill = sleep(stopMsMax, undefined, { signal: late.signal }).then(() => this.kill(member));
    const end = await member.ended;
    late.abort();
    await lateKill.catch(() => {});
    const death = deathOf(end, member.logFile);
    if (end !== 0 && death.wasRunning) this.badStops.push(death);
  }

  /** Freezes it, as a machine under a debugger or out of memory does. */
  async freeze(member: Member, ms: number): Promise<void> {
    member.child.kill('SIGSTOP');
    await sleep(ms);
    member.child.kill('SIGCONT');
  }

  /** What each of them has in memory, and for how long it has run. Linux only; elsewhere it is 0. */
  memory(): readonly { readonly megabytes: number; readonly seconds: number }[] {
    return [...this.#members].map(({ child, startedMs }) => {
      const status = child.pid ? readOrNothing(`/proc/${child.pid}/status`) : '';
      const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      return { megabytes: Math.round(kilobytes / 1024), seconds: Math.round((performance.now() - startedMs) / 1_000) };
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#members].map((member) => this.stop(member)));
    this.#reaper.end('done\n');
  }
}

function deathOf(end: Death['end'], logFile: string): Death {
  const log = readOrNothing(logFile);
  return { end, lastLine: log.trimEnd().split('\n').at(-1)?.slice(0, 400) ?? '', wasRunning: hasStarted(log) };
}

function hasStarted(log: string): boolean {
  return log.includes('"msg":"started"');
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
