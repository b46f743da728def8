import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Starts a shell that reads from a pipe held by this process and so learns of its end, however it ends: not even `kill -9` leaves a
 * server behind. The shell stands in a session of its own, where no Ctrl-C of the terminal reaches it before its work.
 */
export function startReaper(script: string, args: readonly string[]): Socket {
  const shell = spawn('/bin/sh', ['-c', script, 'dataquarantine-reaper', ...args], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const pipe = shell.stdin as unknown as Socket;
  // A reaper that somebody ended takes its safety net away and nothing else.
  shell.on('error', () => {});
  pipe.on('error', () => {});
  shell.unref();
  pipe.unref();
  return pipe;
}

/** Ends the process group that runs when the pipe closes without `done`, and removes what lies around then. */
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
  /** Files and folders that are removed then. */
  readonly litter: readonly string[];
}

/** The reaper of one server, told which process group to end. */
export class Reaper {
  readonly #pipe: Socket;

  constructor({ signal, litter }: ReaperOptions) {
    this.#pipe = startReaper(script, [signal, ...litter]);
  }

  runs(processGroup: number): void {
    this.#pipe.write(`runs ${processGroup}\n`);
  }

  gone(): void {
    this.#pipe.write('gone\n');
  }

  /** The launcher has tidied up itself: nothing is left to do. */
  done(): void {
    this.#pipe.end('done\n');
  }
}
