import { type Command, Option } from 'commander';
import { DataQuarantineError } from '../lib/errors.ts';
import { createLog, type Log } from '../observe/log.ts';
import { exitCodeOf } from './exit-codes.ts';
import type { Io } from './io.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

/** Supervisors such as Kubernetes kill a process 30 seconds after SIGTERM. */
const stopMsMax = 25_000;

interface RunOptions extends SettingsOptions {
  readonly only?: 'engine' | 'review';
}

/** `dq run`: the service. */
export function registerRun(program: Command, io: Io): void {
  addSettingsOptions(program.command('run'))
    .description('run the service until SIGTERM or SIGINT: it then settles what it has read and ends')
    .addOption(new Option('--only <part>', 'run one part of the service').choices(['engine', 'review']))
    .option('--json', 'accepted as everywhere; the log is JSON lines in any case')
    .action((options: RunOptions) => run(io, options));
}

async function run(io: Io, options: RunOptions): Promise<void> {
  const { settings, origins } = settingsFor(io, options, ['kafka', 'postgres', 'http']);
  const log = createLog({ level: settings.log.level, stream: 'stdout' });
  const signal = io.stopSignal();
  // Whatever nobody handled leaves the process in a state that nobody knows: what is not committed is read again by the next.
  process.once('uncaughtException', (error) => {
    log.fatal({ err: error }, 'the service ends: an error that nobody handled');
    process.exit(1);
  });
  signal.addEventListener('abort', () => setTimeout(() => giveUp(log), stopMsMax).unref());
  try {
    // The service is loaded when it runs, not for its help.
    const { serve } = await import('../main.ts');
    await serve(settings, { origins, log, signal, only: options.only ?? null });
  } catch (error) {
    // An error of ours says all in its words; of any other, the stack is what helps to mend it.
    if (error instanceof DataQuarantineError) log.fatal({ code: error.code }, error.message);
    else log.fatal({ err: error }, 'the service ended');
    io.exitCode = exitCodeOf(error);
  }
}

/** Whatever a stop waits for by then will not come. What is not committed is read again. */
function giveUp(log: Log): never {
  log.fatal({ stopMsMax }, 'the service did not stop in time and ends now; what it had not committed is read again');
  process.exit(1);
}
