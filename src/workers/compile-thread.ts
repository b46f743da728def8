import { Piscina } from 'piscina';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import type { Compilation } from '../registry/compiler.ts';
import { builtFile } from './built-file.ts';
import type { compile } from './compile-worker.ts';

export interface CompileThreadOptions {
  /** A schema that takes longer ends the thread, and is refused for it. */
  readonly msMax: number | undefined;
  /** Told of a thread that died between schemas. */
  readonly onError: (error: unknown) => void;
}

/** The thread comes with the first schema and goes when there has been none for so long. */
const idleMs = 30_000;
/** Hundreds of times what a large schema takes: on full cores the thread seldom has its turn. */
const compileMsMax = 60_000;

/**
 * A thread that compiles schemas, one at a time and behind those that judge in line for a core. A schema that ends it, by the deadline or by
 * using up its memory, has a problem like one that is wrong, for all others wait behind it. The machine may be to blame all the same: the problem
 * says that it `mayPass`.
 */
export class CompileThread {
  readonly #piscina: Piscina;
  readonly #msMax: number;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor({ msMax = compileMsMax, onError }: CompileThreadOptions) {
    this.#msMax = msMax;
    this.#piscina = new Piscina({ filename: builtFile('compile-worker'), minThreads: 0, maxThreads: 1, idleTimeout: idleMs });
    this.#piscina.on('error', onError);
  }

  /** Throws `DQ_WORKER_LOST` where the thread ended before it began with the schema: nobody is to blame then. */
  compile(schema: unknown): Promise<Compilation> {
    // The line is ours: behind a thread that ended, Piscina starts none for what waits.
    const turn = this.#last.then(() => this.#compile(schema));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#piscina.destroy();
  }

  async #compile(schema: unknown): Promise<Compilation> {
    if (this.#closed) throw lost('it is closed');
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const late = new AbortController();
    const stop = this.#watch(begun, late);
    try {
      const compilation: ReturnType<typeof compile> = await this.#piscina.run({ schema, begun }, { name: 'compile', signal: late.signal });
      return compilation;
    } catch (error) {
      if (this.#closed || Atomics.load(begun, 0) === 0) throw lost(messageOf(error), error);
      const isLate = late.signal.aborted;
      const why = isLate ? `it was not compiled within ${this.#msMax} ms` : `the thread that compiled it ended (${messageOf(error)})`;
      return { problem: { message: `${why}: make it smaller, or take patterns and references apart`, pointer: null, mayPass: true } };
    } finally {
      stop();
    }
  }

  /** The clock starts when the thread begins: how long that takes to come up is no fault of a schema. */
  #watch(begun: Int32Array, late: AbortController): () => void {
    let begunMs: number | null = null;
    const look = () => {
      if (Atomics.load(begun, 0) === 0) return;
      begunMs ??= performance.now();
      if (performance.now() - begunMs >= this.#msMax) late.abort();
    };
    const timer = setInterval(look, Math.min(1_000, this.#msMax / 2));
    return () => clearInterval(timer);
  }
}

function lost(why: string, cause?: unknown): DataQuarantineError {
  return new DataQuarantineError('DQ_WORKER_LOST', `the thread that compiles schemas ended: ${why}`, { cause });
}
