import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { Catalog, type CatalogEntry, type CatalogWire } from '../registry/catalog.ts';
import { parsePointer } from '../registry/json-pointer.ts';
import type { Remediation } from '../registry/remediation.ts';
import { compileRules, withRules } from '../registry/rules.ts';
import { loadValidator, type ValidateFunction } from '../registry/validator-runtime.ts';

/** A schema version ready to judge. */
export interface LoadedSchema {
  readonly name: string;
  readonly version: string;
  readonly validate: ValidateFunction;
  readonly key: readonly string[] | null;
  /** How messages that do not fit are mended, left out where they are not. */
  readonly remediation?: Remediation;
}

/** A catalog with what its versions are judged by, by schema number. */
export interface LoadedCatalog {
  readonly catalog: Catalog;
  /** The texts of the native programs, null for none. */
  readonly programs: readonly (string | null)[];
  /** Null until a message of this thread has asked for it: see {@link loadSchemas}. */
  readonly schemas: (LoadedSchema | null)[];
}

/** Batches of the last revision may still come while the next one is in use. */
const catalogsMax = 2;
const catalogs = new Map<string, LoadedCatalog>();
const validators = new Map<string, Promise<ValidateFunction>>();

/**
 * The catalog of a manifest file. Loaded once a thread: a path never changes its meaning. The first batch of a new revision waits for
 * this, so it does as little as can be: what an earlier revision has loaded is taken over, and validators come with the first message
 * that needs them, which most never do behind the native engine.
 */
export async function loadCatalog(manifest: string): Promise<LoadedCatalog> {
  const known = catalogs.get(manifest);
  if (known) return known;
  const catalog = new Catalog(await readManifest(manifest));
  const before = [...catalogs.values()].at(-1);
  const usable = catalog.usable();
  const same = catalog.entries.map((entry, number) => isDeepStrictEqual(before?.catalog.entry(number), entry));
  const loaded: LoadedCatalog = {
    catalog,
    programs: catalog.entries.map(({ native, rules = [] }, number) => {
      // The native engine knows nothing of rules, so what has some is left to the other one.
      if (native === null || rules.length > 0 || !usable.has(number)) return null;
      return (same[number] && before?.programs[number]) || readProgram(native);
    }),
    schemas: same.map((isSame, number) => (isSame && before?.schemas[number]) || null),
  };
  catalogs.set(manifest, loaded);
  for (const oldest of [...catalogs.keys()].slice(0, -catalogsMax)) catalogs.delete(oldest);
  return loaded;
}

/** Makes the schemas of these numbers ready. Equal code is imported once a thread. */
export async function loadSchemas({ catalog, schemas }: LoadedCatalog, numbers: Iterable<number>): Promise<void> {
  const load = async (number: number) => {
    const { name, version, module, key, rules = [], remediation } = catalog.entry(number) as CatalogEntry;
    const validate = withRules(await loadOnce(module), compileRules(rules));
    schemas[number] = { name, version, validate, key: key === null ? null : parsePointer(key), ...(remediation && { remediation }) };
  };
  await Promise.all([...numbers].map(load));
}

async function readManifest(manifest: string): Promise<CatalogWire> {
  try {
    return JSON.parse(await readFile(manifest, 'utf8')) as CatalogWire;
  } catch (error) {
    const message = `the schema catalog ${manifest} cannot be read: ${messageOf(error)}. Restart; it is written anew`;
    throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', message, { cause: error });
  }
}

/** Without its program a schema is judged all the same, so a file that is gone or cut short is no reason to stop. */
function readProgram(native: string): string | null {
  try {
    const text = readFileSync(new URL(native), 'utf8');
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}

function loadOnce(module: string): Promise<ValidateFunction> {
  const before = validators.get(module);
  if (before) return before;
  const loading = loadValidator(module);
  validators.set(module, loading);
  // What failed may pass the next time: too many open files, a folder that was away.
  loading.catch(() => validators.delete(module));
  return loading;
}
