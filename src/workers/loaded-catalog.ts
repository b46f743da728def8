import { readFile } from 'node:fs/promises';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { Catalog, type CatalogWire } from '../registry/catalog.ts';
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
  /** The text of its native program, null for none. */
  readonly program: string | null;
}

/** A catalog with the validators of all versions that messages can refer to, by schema number. */
export interface LoadedCatalog {
  readonly catalog: Catalog;
  readonly schemas: readonly (LoadedSchema | null)[];
}

/** Batches of the last revision may still come while the next one is in use. */
const catalogsMax = 2;
const catalogs = new Map<string, LoadedCatalog>();
const validators = new Map<string, Promise<ValidateFunction>>();

/** The catalog of a manifest file. Loaded once a thread: a path never changes its meaning, and equal code is imported once. */
export async function loadCatalog(manifest: string): Promise<LoadedCatalog> {
  const known = catalogs.get(manifest);
  if (known) return known;
  const catalog = new Catalog(await readManifest(manifest));
  const found = catalog.usable();
  const schemas = await Promise.all(
    catalog.entries.map(async ({ name, version, module, native, key, rules = [], remediation }, number) => {
      if (!found.has(number)) return null;
      // The native engine knows nothing of rules, so what has some is left to the other one.
      const program = native === null || rules.length > 0 ? null : await readProgram(native);
      const validate = withRules(await loadOnce(module), compileRules(rules));
      return { name, version, validate, key: key === null ? null : parsePointer(key), program, ...(remediation && { remediation }) };
    }),
  );
  const loaded: LoadedCatalog = { catalog, schemas };
  catalogs.set(manifest, loaded);
  for (const oldest of [...catalogs.keys()].slice(0, -catalogsMax)) catalogs.delete(oldest);
  return loaded;
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
async function readProgram(native: string): Promise<string | null> {
  try {
    const text = await readFile(new URL(native), 'utf8');
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
