import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ExitCode, Io } from '../cli/io.ts';
import { runCommandLine } from '../cli/main.ts';

export interface Outcome {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes in on standard input. */
  readonly input?: string;
  /** Is standard output a terminal? */
  readonly isTTY?: boolean;
  /** Aborting it is what Ctrl-C is to a process. */
  readonly signal?: AbortSignal;
}

/** Runs one command line in this process, its words separated by blanks, and gives all that it wrote. */
export async function dq(words: string, options: CommandOptions = {}): Promise<Outcome> {
  const { env = {}, input = '', isTTY = false, signal = new AbortController().signal } = options;
  const stdin = new PassThrough().end(input);
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const stderr = new PassThrough();
  const written = Promise.all([text(stdout), text(stderr)]);
  const io: Io = { stdin, stdout, stderr, env, exitCode: 0, stopSignal: () => signal };
  const exitCode = await runCommandLine(words.split(' '), io);
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: out, stderr: err };
}
