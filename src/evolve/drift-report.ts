import { type PlannedFields, plannedTypes } from '../registry/planned-fields.ts';
import type { RefusedField, SeenField } from '../store/drift-store.ts';

/**
 * `unplanned`: sent, and the schema does not speak of it. `type`: sent with a type that the schema does not name. `vanished`: planned, and
 * not sent any more, or never. `refused`: messages are in quarantine for it, by a keyword.
 */
export type DriftKind = 'unplanned' | 'type' | 'vanished' | 'refused';

export interface Drift {
  readonly schema: string;
  readonly version: string;
  /** Null where it is not known: rows of quarantine do not say. */
  readonly producer: string | null;
  readonly kind: DriftKind;
  /** JSON Pointer; a dotted path for what was refused. */
  readonly path: string;
  readonly types: readonly string[];
  readonly keyword: string | null;
  /** Sampled messages that held it, or all that were refused. */
  readonly messages: number;
  /** Sampled messages of that schema and producer in all, null for what was refused. */
  readonly samples: number | null;
  readonly first_seen: string | null;
  readonly last_seen: string | null;
}

/** Fewer messages say nothing of what is missing in all of them. */
const samplesMin = 100;
const vanishedMs = 24 * 3_600_000;

/** Holds what was seen against what the schemas plan. `plannedOf` gives the fields of a version, null where it is not known here. */
export function driftOf(
  seen: readonly SeenField[],
  refused: readonly RefusedField[],
  plannedOf: (schema: string, version: string) => PlannedFields | null,
): Drift[] {
  const groups = new Map<string, SeenField[]>();
  for (const field of seen) {
    const key = [field.schemaName, field.schemaVersion, field.producer].join('\0');
    groups.set(key, [...(groups.get(key) ?? []), field]);
  }
  const found = [...groups.values()].flatMap((fields) => {
    const { schemaName, schemaVersion } = fields[0] as SeenField;
    const planned = plannedOf(schemaName, schemaVersion);
    return planned === null ? [] : [...strangers(fields, planned), ...vanished(fields, planned)];
  });
  return [...found, ...refused.map(refusal)];
}

/** Fields, or types of fields, that the schema does not plan. */
function strangers(fields: readonly SeenField[], planned: PlannedFields): Drift[] {
  const byPath = new Map<string, SeenField[]>();
  for (const field of fields) {
    const types = plannedTypes(planned, field.path);
    if (types === null || types?.has(field.type)) continue;
    byPath.set(field.path, [...(byPath.get(field.path) ?? []), field]);
  }
  return [...byPath.values()].map((some) => {
    const { path } = some[0] as SeenField;
    return drift(plannedTypes(planned, path) === undefined ? 'unplanned' : 'type', path, some, fields);
  });
}

function vanished(fields: readonly SeenField[], planned: PlannedFields): Drift[] {
  const root = fields.filter(({ path }) => path === '');
  const samples = sum(root);
  const now = Math.max(...root.map(({ lastSeen }) => lastSeen.getTime()));
  if (samples < samplesMin) return [];
  return [...planned.keys()].flatMap((path) => {
    if (path === '' || path.includes('*')) return [];
    const some = fields.filter((field) => field.path === path);
    const parent = path.slice(0, path.lastIndexOf('/'));
    const parentIsSent = fields.some((field) => field.path === parent && now - field.lastSeen.getTime() < vanishedMs);
    const isSent = some.some(({ lastSeen }) => now - lastSeen.getTime() < vanishedMs);
    return isSent || !parentIsSent ? [] : [drift('vanished', path, some, fields)];
  });
}

function drift(kind: DriftKind, path: string, some: readonly SeenField[], all: readonly SeenField[]): Drift {
  const { schemaName, schemaVersion, producer } = all[0] as SeenField;
  const times = (pick: 'firstSeen' | 'lastSeen') => some.map((field) => field[pick].getTime());
  return {
    schema: schemaName,
    version: schemaVersion,
    producer,
    kind,
    path,
    types: [...new Set(some.map(({ type }) => type))].sort(),
    keyword: null,
    messages: sum(some),
    samples: sum(all.filter((field) => field.path === '')),
    first_seen: some.length === 0 ? null : new Date(Math.min(...times('firstSeen'))).toISOString(),
    last_seen: some.length === 0 ? null : new Date(Math.max(...times('lastSeen'))).toISOString(),
  };
}

function refusal({ schemaName, schemaVersion, fieldPath, keyword, messages, firstSeen, lastSeen }: RefusedField): Drift {
  return {
    schema: schemaName,
    version: schemaVersion,
    producer: null,
    kind: 'refused',
    path: fieldPath,
    types: [],
    keyword,
    messages,
    samples: null,
    first_seen: firstSeen.toISOString(),
    last_seen: lastSeen.toISOString(),
  };
}

function sum(fields: readonly SeenField[]): number {
  return fields.reduce((total, { messages }) => total + messages, 0);
}
