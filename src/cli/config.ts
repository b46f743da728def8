import type { Command } from 'commander';
import { describeSettings, settingText } from '../config/describe-settings.ts';
import { originText } from '../config/origin.ts';
import type { Io } from './io.ts';
import { paint, printJson, printTable } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

/** `dq config print`. */
export function registerConfig(program: Command, io: Io): void {
  const config = program.command('config').description('look at the settings');
  addSettingsOptions(config.command('print'))
    .description('print the effective settings and where each came from, secrets masked')
    .option('--json', 'print one JSON object: by name, the value and its origin')
    .action((options: SettingsOptions & { readonly json?: true }) => printSettings(io, options));
}

function printSettings(io: Io, options: SettingsOptions & { readonly json?: true }): void {
  const shown = describeSettings(settingsFor(io, options, []));
  if (options.json) {
    printJson(io.stdout, Object.fromEntries(shown.map(({ key, value, origin }) => [key, { value, origin: originText(origin) }])));
    return;
  }
  const rows = shown.map((setting) => {
    const { key, origin } = setting;
    const from = originText(origin);
    return [key, settingText(setting), origin.kind === 'default' ? paint(io, 'dim', from) : from];
  });
  printTable(io, ['setting', 'value', 'from'], rows);
}
