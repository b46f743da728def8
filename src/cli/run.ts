import { type Command, Option } from 'commander';
import { DataQuarantineError } from '../lib/errors.ts';
import { serve } from '../main.ts';
import { createLog } from '../observe/log.ts';
import { exitCodeOf } from './exit-codes.ts';
import type { Io } from './io.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

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
  if (options.only === 'review') {
    throw new DataQuarantineError('DQ_CONFIG_INVALID', 'the review part comes with a later version; run the engine: dq run --only engine.');
  }
  const { settings } = settingsFor(io, options, ['kafka', 'postgres', 'http']);
  const log = createLog({ level: settings.log.level, stream: 'stdout' });
  try {
    await serve(settings, { log, signal: io.stopSignal() });
  } catch (error) {
    log.fatal({ err: error }, 'the service ended');
    io.exitCode = exitCodeOf(error);
  }
}
