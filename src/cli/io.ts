import type { Readable, Writable } from 'node:stream';

/** 0 done, 1 the answer is no, 2 wrong usage or configuration, 3 a service could not be reached. */
export type ExitCode = 0 | 1 | 2 | 3;

/** A stream that a command writes to; `isTTY` says whether a person may be watching. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** All that a command sees of the process, so that a test can run it in its own. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the process ends with. A command sets it; a thrown error wins over it. */
  exitCode: ExitCode;
  /** Aborted by the first SIGINT or SIGTERM. Asking for it takes those signals over: a second one then ends the process at once. */
  stopSignal(): AbortSignal;
}

/** The real process. */
export function processIo(): Io {
  endQuietlyOnBrokenPipe(process.stdout);
  endQuietlyOnBrokenPipe(process.stderr);
  let stopping: AbortSignal | null = null;
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    exitCode: 0,
    stopSignal: () => {
      stopping ??= abortedBySignals();
      return stopping;
    },
  };
}

/** `dq … | head` closes our output early: that is the reader's choice and no failure. */
function endQuietlyOnBrokenPipe(output: NodeJS.WriteStream): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
}

function abortedBySignals(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort(new Error(`the process received ${name}`));
    });
  }
  return controller.signal;
}
