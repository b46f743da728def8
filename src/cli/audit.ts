import { type Command, InvalidArgumentError } from 'commander';
import { openDatabase } from '../drivers/postgres/database.ts';
import { assert } from '../lib/assert.ts';
import { AuditLog } from '../store/audit-log.ts';
import type { Io } from './io.ts';
import { paint, printJson, printLine } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

interface AuditOptions extends SettingsOptions {
  readonly head?: string;
  readonly json?: true;
}

/** `dq audit`. */
export function registerAudit(program: Command, io: Io): void {
  const audit = program.command('audit').description('the audit log of the review');
  addSettingsOptions(audit.command('verify'))
    .description('check that no entry of the audit log was changed, taken out or put in between')
    .option('--head <hash>', 'the head that an earlier check printed: it must still be on the chain', parseHash)
    .option('--json', 'print the verdict as JSON')
    .addHelpText(
      'after',
      '\nExit code 0 if the chain holds, 1 if not. A log that was cut off at its end shows only against a head noted before: keep the one that is printed elsewhere.',
    )
    .action((options: AuditOptions) => runVerify(io, options));
}

function parseHash(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('It must be 64 hex digits.');
}

async function runVerify(io: Io, options: AuditOptions): Promise<void> {
  const { postgres } = settingsFor(io, options, ['postgres']).settings;
  assert(postgres.url !== null, 'settings without a database passed although one is needed');
  const database = openDatabase({ url: postgres.url, poolMax: 1 });
  try {
    const verdict = await new AuditLog(database).verify(options.head ?? null);
    const { entries, head, broken } = verdict;
    if (options.json) printJson(io.stdout, { ok: broken === null, ...verdict });
    else if (broken === null) printLine(io.stdout, `${entries} entries, the chain holds. Head: ${head ?? 'none'}`);
    else
      printLine(io.stdout, paint(io, 'red', `Entry ${broken.sequence}: ${broken.why}. The ${entries} before it are as they were written.`));
    io.exitCode = broken === null ? 0 : 1;
  } finally {
    await database.close();
  }
}
