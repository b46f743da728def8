import type { Command } from 'commander';
import type { Settings } from '../config/settings.ts';
import type { Check, CheckState } from './doctor/check.ts';
import { checkDatabase } from './doctor/check-database.ts';
import { checkKafka } from './doctor/check-kafka.ts';
import { checkMachine } from './doctor/check-machine.ts';
import { checkSchemaRegistry } from './doctor/check-schema-registry.ts';
import { checkStorage } from './doctor/check-storage.ts';
import type { ExitCode, Io } from './io.ts';
import { paint, printJson, printLine, printTable } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

type DoctorOptions = SettingsOptions & { readonly json?: true };

/** `dq doctor`. */
export function registerDoctor(program: Command, io: Io): void {
  addSettingsOptions(program.command('doctor'))
    .description('check broker, topics, rights, database, storage, clocks, limits and this machine')
    .option('--json', 'print one JSON object: {"ok","checks":[{"name","state","detail","remedy"}]}')
    .action((options: DoctorOptions) => runDoctor(io, options));
}

async function runDoctor(io: Io, options: DoctorOptions): Promise<void> {
  const { settings } = settingsFor(io, options, []);
  const checks = await examineAll(settings, io.env);
  io.exitCode = verdictOf(checks);
  if (options.json) return printJson(io.stdout, { ok: io.exitCode === 0, checks });
  const rows = checks.map(({ name, state, detail, remedy }) => [
    paint(io, colours[state], state),
    name,
    remedy === null ? detail : `${detail}. ${remedy}`,
  ]);
  printTable(io, ['state', 'check', 'finding'], rows);
  printLine(io.stdout);
  printLine(io.stdout, closingLine(checks));
}

/** One after the other within a service, the services side by side. */
async function examineAll(settings: Settings, env: Io['env']): Promise<Check[]> {
  const found = await Promise.all([
    checkMachine(settings, env),
    checkKafka(settings),
    checkDatabase(settings),
    checkStorage(settings),
    checkSchemaRegistry(settings),
  ]);
  return found.flat();
}

/** A service that cannot be reached wins: the other findings may only follow from it. */
export function verdictOf(checks: readonly Check[]): ExitCode {
  if (checks.some(({ state }) => state === 'unreachable')) return 3;
  return checks.some(({ state }) => state === 'failed') ? 1 : 0;
}

function closingLine(checks: readonly Check[]): string {
  const count = (state: CheckState) => checks.filter((check) => check.state === state).length;
  return `${count('ok')} ok, ${count('warning')} with a warning, ${count('failed')} failed, ${count('unreachable')} unreachable`;
}

const colours = { ok: 'green', warning: 'yellow', failed: 'red', unreachable: 'red' } as const satisfies Record<CheckState, string>;
