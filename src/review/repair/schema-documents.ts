import type { Catalog } from '../../registry/catalog.ts';
import { loadValidator } from '../../registry/validator-runtime.ts';

/** The schema documents behind the catalog. */
export class SchemaDocuments {
  readonly #catalog: () => Promise<Catalog>;
  readonly #documents = new Map<string, Promise<unknown>>();

  constructor(catalog: () => Promise<Catalog>) {
    this.#catalog = catalog;
  }

  /** That version of a schema, the newest where `version` is null; null where there is none. */
  async find(name: string | null, version: string | null): Promise<unknown> {
    const catalog = await this.#catalog();
    const entry = name === null ? null : catalog.entry(catalog.find(name, version));
    if (!entry) return null;
    const known = this.#documents.get(entry.digest);
    if (known) return known;
    const loading = loadValidator(entry.module).then(({ schema }): unknown => schema ?? null);
    this.#documents.set(entry.digest, loading);
    loading.catch(() => this.#documents.delete(entry.digest));
    return loading;
  }
}
