import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { type Compilation, compileSchema } from '../registry/compiler.ts';

/** What runs in the thread that compiles. */
stepBehind();

export function compile(schema: unknown): Compilation {
  return compileSchema(schema);
}

/**
 * Lets the threads that judge go first where there are too few cores for all. Linux gives each thread a priority of its own, by the
 * number that it has in the kernel; elsewhere this thread is one among equals.
 */
function stepBehind(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // No Linux, or no /proc: it is not worth a word.
  }
}
