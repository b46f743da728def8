import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Reads orders from a pipe. When the pipe closes without `done`, the launcher has died, however it died: the reaper ends the
 * process group that runs and removes the launcher's folders.
 */
const script = `
signal=$1; shift; group=
while read -r verb what; do
  case $verb in
    runs) group=$what ;;
    gone) group= ;;
    done) exit 0 ;;
  esac
done
if [ -n "$group" ]; then
  kill -s "$signal" -- "-$group"; kill -s CONT -- "-$group"
  tries=0
  while [ $tries -lt 50 ] && kill -s 0 -- "-$group"; do sleep 0.1; tries=$((tries + 1)); done
  kill -s KILL -- "-$group"
fi
[ $# -eq 0 ] || rm -rf -- "$@"
`;

export interface ReaperOptions {
  /** What the group gets when the launcher dies. It gets KILL five seconds later in any case. */
  readonly signal: 'KILL' | 'QUIT';
  /** What is removed then. */
  readonly litter: readonly string[];
}

/**
 * A shell that outlives the launcher by a moment, so that not even `kill -9` of the launcher leaves a server behind.
 * It stands in a session of its own, so Ctrl-C in the terminal does not end it before its work.
 */
export class Reaper {
  readonly #shell: ChildProcessByStdio<Writable, null, null>;

  constructor(options: ReaperOptions) {
    this.#shell = spawn('/bin/sh', ['-c', script, 'dataquarantine-reaper', options.signal, ...options.litter], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A reaper that somebody ended takes its safety net away and nothing else.
    this.#shell.on('error', () => {});
    this.#shell.stdin.on('error', () => {});
    this.#shell.unref();
    (this.#shell.stdin as Writable & { unref?(): void }).unref?.();
  }

  runs(processGroup: number): void {
    this.#shell.stdin.write(`runs ${processGroup}\n`);
  }

  gone(): void {
    this.#shell.stdin.write('gone\n');
  }

  /** The launcher has tidied up itself: nothing is left to do. */
  done(): void {
    this.#shell.stdin.end('done\n');
  }
}
