import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { type Compilation, compileSchema } from '../registry/compiler.ts';

/** What runs in the thread that compiles. */

/** Linux's weight of it is a third of the usual: on full cores it gets a seventh of one, and 500 schemas take some 20 seconds. */
const niceness = 5;

stepBehind();

/** A schema, and where the thread says that it has begun with it. */
export interface CompileRun {
  readonly schema: unknown;
  readonly begun: Int32Array;
}

export function compile({ schema, begun }: CompileRun): Compilation {
  Atomics.store(begun, 0, 1);
  return compileSchema(schema);
}

/**
 * Lets the threads that judge go first where there are too few cores for all. Linux gives each thread a priority of its own, by the
 * number that it has in the kernel; elsewhere this thread is one among equals.
 */
function stepBehind(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, niceness);
  } catch {
    // No Linux, or no /proc: it is not worth a word.
  }
}
