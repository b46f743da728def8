import { existsSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { assert } from '../lib/assert.ts';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import type { Reject } from '../model/delivery.ts';
import { answer, Slab } from '../model/slab.ts';
import type { Compilation } from '../registry/compiler.ts';
import { builtFile } from './built-file.ts';
import { CompileThread } from './compile-thread.ts';
import { plainFault } from './fault.ts';
import { JudgeProgress } from './judge-progress.ts';
import { unpackRejects } from './reject-columns.ts';
import type { Judgement, JudgeTask } from './task.ts';
import type { JudgeAnswer, JudgeRun } from './worker.ts';

export type { FieldCount } from './field-sampler.ts';
export type { Judgement, JudgeTask } from './task.ts';

export interface WorkerPoolOptions {
  readonly threads: number;
  /** Tasks that may wait for a thread; one more is refused. The ring of slabs keeps judging far below it. */
  readonly queueMax?: number;
  /** A batch that takes longer ends its thread; a message that takes longer alone is a `validation_timeout`. */
  readonly deadlineMs?: number;
  /** A schema that takes longer to compile is refused. */
  readonly compileMsMax?: number;
  /** Told of a thread that died between tasks; it has been replaced. */
  readonly onError?: (error: unknown) => void;
}

/** Rows of a task, `to` not included. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** How one run of a task ended: with a judgement, or with its thread while it had `row` in hand. */
type Outcome =
  | { readonly judgement: Judgement }
  | { readonly ended: 'late' | 'lost'; readonly row: number }
  | { readonly unbegun: DataQuarantineError };

/** How often a batch is given to a thread that ends before it begins. */
const runsMax = 3;

const workerFile = builtFile('worker');

/**
 * A fixed number of threads that judge batches, and one beside them that compiles schemas, one at a time and behind them in line for a core.
 *
 * A batch always comes back whole. When its thread ends before it, by the deadline or by dying, the row that was in hand is judged
 * alone and the rows before and after it in runs of their own; a row that ends a thread when alone is the culprit and gets its own
 * fault. Invariant: no thread touches a slab once `judge` has returned. States: open, closed.
 */
export class WorkerPool {
  readonly threads: number;
  readonly #piscina: Piscina;
  readonly #compiler: CompileThread;
  readonly #deadlineMs: number;
  #nativeMissing: string | null = null;
  #closed = false;

  private constructor(options: WorkerPoolOptions) {
    this.threads = options.threads;
    this.#deadlineMs = options.deadlineMs ?? 10_000;
    this.#piscina = new Piscina({
      filename: workerFile,
      minThreads: options.threads,
      maxThreads: options.threads,
      maxQueue: options.queueMax ?? 256,
      recordTiming: false,
      // A thread makes few objects, and by default each would let 48 MiB of them pile up.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    const onError = (error: unknown) => options.onError?.(error);
    this.#piscina.on('error', onError);
    this.#compiler = new CompileThread({ onError, msMax: options.compileMsMax });
  }

  /** Starts the threads and waits until they are up, so that a build that is missing or broken shows at once. */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    assert(options.threads >= 1, 'a pool without threads judges nothing');
    if (!existsSync(workerFile)) throw lost(`${workerFile} is not there: build it with "npm run setup"`);
    const pool = new WorkerPool(options);
    try {
      const greetings = Array.from({ length: options.threads }, () => pool.#piscina.run(null, { name: 'greet' }) as Promise<string | null>);
      pool.#nativeMissing = (await Promise.all(greetings)).find((missing) => missing !== null) ?? null;
    } catch (error) {
      await pool.close();
      throw lost(`the worker threads do not start: ${messageOf(error)}`, error);
    }
    return pool;
  }

  /** Why a thread judges in JavaScript alone, whatever a task asks for; null where all have the native engine. */
  get nativeMissing(): string | null {
    return this.#nativeMissing;
  }

  /** Threads that are there now. Fewer than `threads` for long means that new ones fail to start. */
  get threadsAlive(): number {
    return this.#piscina.threads.length;
  }

  /** Judges a batch: writes answers and schema numbers into its slab and returns the rest. */
  async judge(task: JudgeTask): Promise<Judgement> {
    const parts: Judgement[] = [];
    const open: Range[] = task.range.from === task.range.to ? [] : [task.range];
    let unbegun = 0;
    for (let range = open.shift(); range; range = open.shift()) {
      const outcome = await this.#run(task, range);
      if ('unbegun' in outcome) {
        // Nobody is to blame yet: another thread takes it. That none can begin is not the batch's fault, and ends the service.
        if (++unbegun === runsMax) throw outcome.unbegun;
        open.unshift(range);
      } else if ('judgement' in outcome) parts.push(outcome.judgement);
      else if (range.to - range.from === 1) parts.push(this.#blame(task, range.from, outcome.ended));
      else open.unshift(...around(range, outcome.row));
    }
    const [only] = parts;
    if (parts.length === 1 && only) return only;
    const mended = parts.flatMap((part) => part.mended ?? []);
    return {
      rejects: parts.flatMap(({ rejects }) => rejects),
      keys: parts.flatMap(({ keys }) => keys),
      ...(mended.length > 0 && { mended }),
      samples: parts.flatMap(({ samples }) => samples),
      disagreements: parts.reduce((sum, { disagreements }) => sum + disagreements, 0),
      needs: parts.flatMap(({ needs }) => needs),
      fields: parts.flatMap(({ fields }) => fields),
    };
  }

  /** Generates the validator of a schema off the main thread. A schema that takes too long, or ends the thread, has a problem like any other. */
  async compile(schema: unknown): Promise<Compilation> {
    this.#refuseIfClosed();
    return this.#compiler.compile(schema);
  }

  /** Ends the threads at once; tasks that are still out fail with `DQ_WORKER_LOST`. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#piscina.destroy(), this.#compiler.close()]);
  }

  async #run(task: JudgeTask, range: Range): Promise<Outcome> {
    this.#refuseIfClosed();
    const progress = new JudgeProgress();
    const watch = this.#watch(progress);
    const run: JudgeRun = { ...task, ...range, progress: progress.memory };
    let reply: JudgeAnswer;
    try {
      reply = await this.#piscina.run(run, { name: 'judge', signal: watch.signal });
    } catch (error) {
      await watch.threadGone();
      this.#refuseIfClosed();
      const { row } = progress;
      if (row === null) return { unbegun: lost(`a worker thread ended before it began with a batch: ${messageOf(error)}`, error) };
      return { ended: watch.signal.aborted ? 'late' : 'lost', row };
    } finally {
      watch.stop();
    }
    if ('failure' in reply) throw DataQuarantineError.fromWire(reply.failure);
    const { rejects, ...rest } = reply.judgement;
    return { judgement: { ...rest, rejects: unpackRejects(rejects) } };
  }

  /** Ends the thread once the run is late. The clock starts when the thread begins: waiting for one is nobody's fault. */
  #watch(progress: JudgeProgress): RunWatch {
    const abort = new AbortController();
    let begunMs: number | null = null;
    let gone: Worker[] = [];
    const look = () => {
      if (progress.row === null || abort.signal.aborted) return;
      begunMs ??= performance.now();
      if (performance.now() - begunMs < this.#deadlineMs) return;
      const before = this.#piscina.threads;
      abort.abort();
      const after = new Set(this.#piscina.threads);
      gone = before.filter((thread) => !after.has(thread));
    };
    const timer = setInterval(look, Math.max(5, this.#deadlineMs / 20));
    return {
      signal: abort.signal,
      stop: () => clearInterval(timer),
      threadGone: async () => void (await Promise.all(gone.map((thread) => thread.terminate()))),
    };
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw lost('the pool of worker threads is closed');
  }

  #blame(task: JudgeTask, row: number, ended: 'late' | 'lost'): Judgement {
    const slab = Slab.attach(task.slab, task.count);
    slab.answers[row] = answer.faulty;
    slab.schemas[row] = -1;
    const fault =
      ended === 'late'
        ? plainFault('validation_timeout', `expected a message that can be judged within ${this.#deadlineMs} ms`)
        : plainFault('validator_error', 'the thread that judged this message ended, twice; the message was not judged');
    const reject: Reject = { row, fault };
    return { rejects: [reject], keys: [], samples: [], disagreements: 0, needs: [], fields: [] };
  }
}

/** Looks after one run. Piscina gives up on a run before its thread has stopped; `threadGone` waits until it has. */
interface RunWatch {
  readonly signal: AbortSignal;
  readonly threadGone: () => Promise<void>;
  readonly stop: () => void;
}

/** The rows before, the row itself, and the rows after it; what is empty is left out. */
function around({ from, to }: Range, row: number): Range[] {
  const parts = [
    { from, to: row },
    { from: row, to: row + 1 },
    { from: row + 1, to },
  ];
  return parts.filter((part) => part.from < part.to);
}

function lost(message: string, cause?: unknown): DataQuarantineError {
  return new DataQuarantineError('DQ_WORKER_LOST', message, { cause });
}
