import type { Database } from '../drivers/postgres/database.ts';
import type { PlannedFields } from '../registry/planned-fields.ts';
import { type Proposal, proposeVersion } from '../registry/propose-version.ts';
import { DriftStore } from '../store/drift-store.ts';
import { type Drift, driftOf } from './drift-report.ts';

export interface ReadDriftOptions {
  readonly database: Database;
  /** One schema; null for all. */
  readonly name: string | null;
  /** The fields that a version plans; null where it is not known here: then nothing is said of its messages. */
  readonly plannedOf: (name: string, version: string) => Promise<PlannedFields | null> | PlannedFields | null;
}

/** Where messages and schemas part: what was sampled held against what is planned, and what quarantine refused. */
export async function readDrift({ database, name, plannedOf }: ReadDriftOptions): Promise<readonly Drift[]> {
  const store = new DriftStore(database);
  const [seen, refused] = [await store.list(name), await store.refusals(name)];
  const planned = new Map<string, PlannedFields | null>();
  for (const { schemaName, schemaVersion } of seen) {
    const key = keyOf(schemaName, schemaVersion);
    if (!planned.has(key)) planned.set(key, await plannedOf(schemaName, schemaVersion));
  }
  return driftOf(seen, refused, (schema, version) => planned.get(keyOf(schema, version)) ?? null);
}

/** A schema file with the unplanned fields of its version in it, as the next minor version. */
export function proposeFromDrift(drifts: readonly Drift[], file: { version: string; text: string; path: string }): Proposal {
  const types = new Map<string, Set<string>>();
  for (const { kind, version, path, types: seen } of drifts) {
    if (kind === 'unplanned' && version === file.version) types.set(path, new Set([...(types.get(path) ?? []), ...seen]));
  }
  const fields = [...types].map(([path, seen]) => ({ path, types: [...seen] }));
  return proposeVersion(file.text, file.path, fields);
}

function keyOf(name: string, version: string): string {
  return `${name} ${version}`;
}
