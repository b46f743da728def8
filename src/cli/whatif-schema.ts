import { availableParallelism } from 'node:os';
import { trySchema } from '../app/try-schema.ts';
import type { TrialResult } from '../evolve/trial.ts';
import type { WhatIf } from '../evolve/what-if.ts';
import { readAnySchema } from '../registry/any-schema.ts';
import type { Io } from './io.ts';
import { paint, printJson, printLine, printTable } from './print.ts';
import { type SettingsOptions, settingsFor } from './settings-options.ts';

export interface WhatIfCommandOptions extends SettingsOptions {
  readonly limit: number;
  readonly json?: true;
}

interface Candidate {
  readonly name: string;
  readonly file: string;
}

/** `dq schemas whatif`. */
export async function runWhatIf(io: Io, candidate: Candidate, options: WhatIfCommandOptions): Promise<void> {
  const { settings } = settingsFor(io, options, ['kafka', 'postgres']);
  const { name, file } = candidate;
  const answer = await trySchema(settings, {
    ...(await readAnySchema(file)),
    name,
    recordsMax: options.limit,
    threads: availableParallelism(),
  });
  if (options.json) printJson(io.stdout, { ...candidate, ...answer });
  else print(io, candidate, answer);
  if (answer.valid.refused > 0) io.exitCode = 1;
}

const maskedMax = 300;

function print(io: Io, { name, file }: Candidate, { quarantine, valid }: WhatIf): void {
  const count = (records: number) => records.toLocaleString('en').padStart(12);
  printTable(
    io,
    [`${file} as ${name}`, 'accepted'.padStart(12), 'refused'.padStart(12), 'of others'.padStart(12)],
    [
      ['open in quarantine', ...[quarantine.accepted, quarantine.refused, quarantine.other].map(count)],
      ['recent valid traffic', ...[valid.accepted, valid.refused, valid.other].map(count)],
    ],
  );
  if (quarantine.unreadable > 0) printLine(io.stdout, `${quarantine.unreadable} payloads cannot be read; see dq verify --payloads.`);
  printCauses(io, 'Valid now, and refused by it:', valid);
  printCauses(io, 'In quarantine, and staying there:', quarantine);
  const mended = quarantine.remediated > 0 ? ` (${quarantine.remediated} of them mended by its remediation)` : '';
  const verdict =
    valid.refused > 0
      ? paint(io, 'red', `It would refuse ${valid.refused} of ${valid.accepted + valid.refused} messages that are valid now.`)
      : paint(io, 'green', `It would release ${quarantine.accepted} records${mended} and refuse nothing that is valid now.`);
  printLine(io.stdout);
  printLine(io.stdout, verdict);
}

function printCauses(io: Io, title: string, { causes }: TrialResult): void {
  if (causes.length === 0) return;
  printLine(io.stdout);
  printLine(io.stdout, title);
  for (const { records, field_path, error_type, error_message, example, masked } of causes) {
    const why = error_type === 'schema_violation' ? error_message : `${error_type}: ${error_message}`;
    printLine(io.stdout, `  ${records} times  ${field_path ? `at ${field_path}: ` : ''}${why}`);
    printLine(io.stdout, `    for example ${example}  ${masked.length > maskedMax ? `${masked.slice(0, maskedMax)}…` : masked}`);
  }
}
