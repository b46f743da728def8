import { readFile } from 'node:fs/promises';
import { plannedFieldsOf } from '../app/planned-fields-of.ts';
import type { Settings } from '../config/settings.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import type { Drift } from '../evolve/drift-report.ts';
import { proposeFromDrift, readDrift } from '../evolve/read-drift.ts';
import { assert } from '../lib/assert.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { listSchemas, type SchemaPlace } from '../registry/schema-folder.ts';
import type { Io } from './io.ts';
import { printJson, printLine, printTable } from './print.ts';
import { type SettingsOptions, settingsFor } from './settings-options.ts';

export interface DriftCommandOptions extends SettingsOptions {
  readonly propose?: true;
  readonly json?: true;
}

/** `dq schemas drift`. */
export async function runDrift(io: Io, name: string | null, options: DriftCommandOptions): Promise<void> {
  const { settings } = settingsFor(io, options, ['postgres']);
  const { places } = await listSchemas(settings.schemas.dir);
  const drifts = await driftIn(settings, name);
  if (options.propose) await propose(io, drifts, places, name);
  else if (options.json) printJson(io.stdout, { drift: drifts });
  else print(io, drifts);
}

async function driftIn(settings: Settings, name: string | null): Promise<readonly Drift[]> {
  const { url } = settings.postgres;
  assert(url !== null, 'settings without a database passed although one is needed');
  const database = openDatabase({ url, poolMax: 1 });
  try {
    return await readDrift({ database, name, plannedOf: await plannedFieldsOf(settings) });
  } finally {
    await database.close();
  }
}

/** The newest file of a schema with what its messages hold beyond it. */
async function propose(io: Io, drifts: readonly Drift[], places: readonly SchemaPlace[], name: string | null): Promise<void> {
  const place = places.findLast((candidate) => candidate.name === name);
  if (!place) throw new DataQuarantineError('DQ_CONFIG_INVALID', 'a proposal needs the name of a schema that has a file in schemas.dir.');
  const file = { version: place.version, text: await readFile(place.path, 'utf8'), path: place.path };
  const { text, unplaced } = proposeFromDrift(drifts, file);
  for (const path of unplaced) printLine(io.stderr, `note: ${path} has no plain place in ${place.path}; add it by hand`);
  io.stdout.write(text);
}

function print(io: Io, drifts: readonly Drift[]): void {
  if (drifts.length === 0) return printLine(io.stdout, 'Messages and schemas agree, as far as was seen.');
  const row = (drift: Drift) => [
    `${drift.schema} ${drift.version}`,
    drift.producer === '' ? 'not named' : (drift.producer ?? ''),
    drift.kind,
    drift.path,
    drift.keyword ?? drift.types.join(', '),
    drift.samples === null ? String(drift.messages) : `${drift.messages} of ${drift.samples}`,
    drift.last_seen ?? 'never',
  ];
  printTable(io, ['schema', 'producer', 'drift', 'field', 'type', 'messages', 'last seen'], drifts.map(row));
}
