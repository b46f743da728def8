import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import type { CatalogReference, CatalogWire } from './catalog.ts';
import { moduleEnd } from './compiler.ts';
import type { NativeCompilation } from './native-program/compile-program.ts';

/** One line of the registry module that a build leaves beside its validators. */
export interface PrebuiltValidator {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  /** Relative to the registry module. */
  readonly module: string;
  /** The native program, relative to the registry module; null where the native engine does not take the schema. */
  readonly native: string | null;
  /** Why it does not. */
  readonly declined: string | null;
}

/** What a schema led to, by file URLs. `native` is null where the native engine does not take it. */
export interface Generated {
  readonly module: string;
  readonly native: string | null;
}

/** The file name of the registry module in the folder of a build. */
export const registryModule = 'registry.mjs';

/**
 * Finds and keeps generated code: what the build made, then what the cache folder has. Both are found by digest alone, so a module
 * is used only for the very schema and compiler that it was made from. The cache only grows; it may be removed while nothing runs.
 */
export class ModuleStore {
  readonly #cacheDir: string;
  readonly #prebuilt: ReadonlyMap<string, Generated>;

  private constructor(cacheDir: string, prebuilt: ReadonlyMap<string, Generated>) {
    this.#cacheDir = cacheDir;
    this.#prebuilt = prebuilt;
  }

  static async open(cacheDir: string, prebuiltDir: string | null): Promise<ModuleStore> {
    return new ModuleStore(resolve(cacheDir), prebuiltDir === null ? new Map() : await readPrebuilt(resolve(prebuiltDir)));
  }

  /** What was generated with that digest, null if it has yet to be. */
  async find(digest: string): Promise<Generated | null> {
    const prebuilt = this.#prebuilt.get(digest);
    if (prebuilt !== undefined) return prebuilt;
    const path = this.#pathOf(digest);
    const text = await readFile(path, 'utf8').catch(() => '');
    if (!text.endsWith(`${moduleEnd(digest)}\n`)) return null;
    const native = nativePath(path);
    const taken = await access(native).then(
      () => true,
      () => false,
    );
    return { module: pathToFileURL(path).href, native: taken ? pathToFileURL(native).href : null };
  }

  /** The module is written last: where it is, what belongs to it is there. */
  async keep(digest: string, { module, native }: { module: string; native: NativeCompilation }): Promise<Generated> {
    const path = this.#pathOf(digest);
    const program = 'program' in native ? nativePath(path) : null;
    if ('program' in native) await this.#write(nativePath(path), native.program);
    await this.#write(path, module);
    return { module: pathToFileURL(path).href, native: program && pathToFileURL(program).href };
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

/** Where the native program lies beside a generated module. */
export function nativePath(module: string): string {
  return module.replace(/\.mjs$/, '.native.json');
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
async function readPrebuilt(folder: string): Promise<ReadonlyMap<string, Generated>> {
  const base = pathToFileURL(join(folder, registryModule));
  const build: { validators: readonly PrebuiltValidator[] } = await import(base.href).catch(() => ({ validators: [] }));
  const urlOf = (path: string) => new URL(path, base).href;
  return new Map(
    build.validators.map(({ digest, module, native }) => [digest, { module: urlOf(module), native: native && urlOf(native) }]),
  );
}
