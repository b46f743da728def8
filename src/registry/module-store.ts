import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import type { CatalogReference, CatalogWire } from './catalog.ts';
import { moduleEnd } from './compiler.ts';

/** One line of the registry module that a build leaves beside its validators. */
export interface PrebuiltValidator {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  /** Relative to the registry module. */
  readonly module: string;
}

/** The file name of the registry module in the folder of a build. */
export const registryModule = 'registry.mjs';

/**
 * Finds and keeps generated code: what the build made, then what the cache folder has. Both are found by digest alone, so a module
 * is used only for the very schema and compiler that it was made from. The cache only grows; it may be removed while nothing runs.
 */
export class ModuleStore {
  readonly #cacheDir: string;
  readonly #prebuilt: ReadonlyMap<string, string>;

  private constructor(cacheDir: string, prebuilt: ReadonlyMap<string, string>) {
    this.#cacheDir = cacheDir;
    this.#prebuilt = prebuilt;
  }

  static async open(cacheDir: string, prebuiltDir: string | null): Promise<ModuleStore> {
    return new ModuleStore(resolve(cacheDir), prebuiltDir === null ? new Map() : await readPrebuilt(resolve(prebuiltDir)));
  }

  /** The file URL of the validator with that digest, null if it has yet to be generated. */
  async find(digest: string): Promise<string | null> {
    const prebuilt = this.#prebuilt.get(digest);
    if (prebuilt !== undefined) return prebuilt;
    const path = this.#pathOf(digest);
    const text = await readFile(path, 'utf8').catch(() => '');
    return text.endsWith(`${moduleEnd(digest)}\n`) ? pathToFileURL(path).href : null;
  }

  async keep(digest: string, module: string): Promise<string> {
    const path = this.#pathOf(digest);
    await this.#write(path, module);
    return pathToFileURL(path).href;
  }

  /** Writes the manifest that workers read a catalog from. Named by its content: equal catalogs of several processes are one file. */
  async keepManifest(catalog: CatalogWire): Promise<CatalogReference> {
    const text = `${JSON.stringify(catalog)}\n`;
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 32);
    const manifest = join(this.#cacheDir, `catalog-${digest}.json`);
    await this.#write(manifest, text);
    return { revision: catalog.revision, manifest };
  }

  async #write(path: string, text: string): Promise<void> {
    try {
      await writeWhole(path, text);
    } catch (error) {
      const message = `the cache folder ${this.#cacheDir} (schemas.cacheDir) cannot be written: ${messageOf(error)}`;
      throw new DataQuarantineError('DQ_CONFIG_INVALID', message, { cause: error });
    }
  }

  #pathOf(digest: string): string {
    return join(this.#cacheDir, `${digest}.mjs`);
  }
}

/** Writes a file so that readers see it whole or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Without a build everything is compiled at the start, which is slower and as good. */
async function readPrebuilt(folder: string): Promise<ReadonlyMap<string, string>> {
  const base = pathToFileURL(join(folder, registryModule));
  const build: { validators: readonly PrebuiltValidator[] } = await import(base.href).catch(() => ({ validators: [] }));
  return new Map(build.validators.map(({ digest, module }) => [digest, new URL(module, base).href]));
}
