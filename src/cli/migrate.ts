import type { Command } from 'commander';
import { assert } from '../lib/assert.ts';
import { migrate } from '../store/migrate.ts';
import type { Io } from './io.ts';
import { printJson, printLine } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

type MigrateOptions = SettingsOptions & { readonly json?: true };

/** `dq migrate`. */
export function registerMigrate(program: Command, io: Io): void {
  addSettingsOptions(program.command('migrate'))
    .description('bring the tables of the database up to date')
    .option('--json', 'print one JSON object: {"applied":[…]}')
    .action((options: MigrateOptions) => runMigrate(io, options));
}

async function runMigrate(io: Io, options: MigrateOptions): Promise<void> {
  const { url } = settingsFor(io, options, ['postgres']).settings.postgres;
  assert(url !== null, 'settings without a database passed although one is needed');
  const applied = await migrate(url);
  if (options.json) return printJson(io.stdout, { applied });
  for (const name of applied) printLine(io.stdout, `applied ${name}`);
  if (applied.length === 0) printLine(io.stdout, 'the tables are up to date');
}
