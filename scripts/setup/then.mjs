import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { performance } from 'node:perf_hooks';
import { root } from './places.mjs';

/** What `--then` can start, each a script of the clone with its first arguments. */
export const commands = {
  demo: ['bin/dq.cjs', 'demo'],
  test: ['scripts/test.mjs'],
  services: ['dist/src/testing/services/main.js'],
  load: ['dist/load/main.js'],
  bench: ['dist/bench/main.js'],
  'bench:compare': ['dist/bench/main.js', 'compare'],
  chaos: ['dist/src/testing/chaos/main.js'],
};

/** Ends the command's process group when this process dies without a word, even by `kill -9`; the command has half a minute to drain. */
const reaper = `
read -r said
[ "$said" = done ] && exit 0
kill -s TERM -- "-$1"
tries=0
while [ $tries -lt 30 ] && kill -s 0 -- "-$1"; do sleep 1; tries=$((tries + 1)); done
kill -s KILL -- "-$1"
`;

/** A person's Ctrl-C arrives from the terminal and again from npm; within this time both are one. */
const sameSignalMsMax = 1000;

/**
 * Runs the command as if it had been called itself: same terminal, same signals, same exit code. It gets a process group of its
 * own, so that the signals come through here alone and each reaches it once.
 */
export async function follow(command, args) {
  const child = spawn(process.execPath, [...command, ...args], { cwd: root, detached: true, stdio: 'inherit' });
  const watch = spawn('/bin/sh', ['-c', reaper, 'dataquarantine-setup-reaper', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.on('error', () => {});
  watch.stdin.on('error', () => {});
  passSignalsTo(child);
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
  });
  watch.stdin.end('done\n');
  return code;
}

function passSignalsTo(child) {
  let passedAt = Number.NEGATIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (performance.now() - passedAt < sameSignalMsMax) return;
      passedAt = performance.now();
      child.kill(signal);
    });
  }
}
