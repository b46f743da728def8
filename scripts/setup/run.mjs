import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root, setupDir } from './places.mjs';

/** A step failed. `remedy` is the one thing that a person can do about it. */
export class SetupError extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

const running = new Set();

/** Ends what runs now: called when the set-up itself is told to end. */
export function endRunning() {
  for (const child of running) child.kill('SIGTERM');
}

/**
 * Runs a program to its end with its output in a log file of its own.
 * A failure carries the end of that log and `remedy`, which may be told by the log.
 */
export async function run(name, [file, ...args], { remedy, env = {}, cwd = root }) {
  mkdirSync(setupDir, { recursive: true });
  const log = path.join(setupDir, `${name}.log`);
  const output = openSync(log, 'w');
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  closeSync(output);
  running.add(child);
  const ended = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  running.delete(child);
  if (ended === 0) return;
  const said = readFileSync(log, 'utf8').trimEnd();
  const tail = said.split('\n').slice(-15).join('\n');
  throw new SetupError(
    `${path.basename(file)} ${args[0] ?? ''} ended with ${ended}. The end of ${log}:\n${tail}`,
    typeof remedy === 'function' ? remedy(said) : remedy,
  );
}

/** Does this program run here? */
export async function works(file, ...args) {
  const child = spawn(file, args, { stdio: 'ignore' });
  return await new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
