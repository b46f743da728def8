import type { Command } from 'commander';
import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import type { Need } from '../config/rules.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import type { Io } from './io.ts';
import { printLine } from './print.ts';

/** What {@link addSettingsOptions} makes of the command line. */
export interface SettingsOptions {
  readonly config?: string;
  readonly set?: readonly string[];
}

/** Adds `--config FILE` and `--set KEY=VALUE`: every command that reads settings takes them in the same way. */
export function addSettingsOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'settings file (default: dataquarantine.yaml if it is there)')
    .option(
      '-s, --set <key=value>',
      'one setting, as in --set http.port=0; may be given often',
      (one: string, before: string[] | undefined) => [...(before ?? []), one],
    );
}

/** The settings of a command; warnings go to standard error. `need` names what the command is going to use. */
export function settingsFor(io: Io, options: SettingsOptions, need: readonly Need[]): LoadedSettings {
  const loaded = loadSettings({
    ...(options.config !== undefined && { file: options.config }),
    env: io.env,
    flags: Object.fromEntries((options.set ?? []).map(keyAndValue)),
    need,
  });
  for (const warning of loaded.warnings) printLine(io.stderr, `warning: ${warning}`);
  return loaded;
}

function keyAndValue(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  // The text is not shown: it may be a secret whose key was forgotten.
  throw new DataQuarantineError('DQ_CONFIG_INVALID', '--set takes KEY=VALUE, as in --set http.port=0.');
}
