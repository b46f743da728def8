import semver from 'semver';
import type { Remediation } from './remediation.ts';
import type { Rule } from './rules.ts';

/** One compiled schema version, as a worker finds it. */
export interface CatalogEntry {
  readonly name: string;
  readonly version: string;
  /** File URL of the generated validator module. */
  readonly module: string;
  /** File URL of the native program, null where the native engine does not take the schema. */
  readonly native: string | null;
  /** SHA-256 (hex) of the schema and the compiler: the identity of the generated code. */
  readonly digest: string;
  /** JSON Pointer into the value whose text becomes the key of a keyless message, null for none. */
  readonly key: string | null;
  /** Checks across fields, left out where there are none. */
  readonly rules?: readonly Rule[];
  /** How messages that do not fit are mended, left out where they are not. */
  readonly remediation?: Remediation;
}

/** A catalog in JSON: what the manifest file holds and a worker reads. */
export interface CatalogWire {
  readonly revision: number;
  readonly entries: readonly CatalogEntry[];
  /** Numbers that were withdrawn from the directory or replaced: still readable, no longer found. */
  readonly withdrawn: readonly number[];
}

/** How a task names the catalog that it is to be judged against. */
export interface CatalogReference {
  readonly revision: number;
  /** Path of the manifest file. Its name holds the digest of its content, so a path never changes its meaning. */
  readonly manifest: string;
}

/**
 * All schema versions known at one moment, numbered. Immutable: a reload makes a new one with the next revision, so a batch is
 * judged and read back against the very catalog it was given. Entries are only ever added at the end: a schema number stays what it was.
 */
export class Catalog {
  readonly revision: number;
  readonly entries: readonly CatalogEntry[];
  readonly #withdrawn: readonly number[];
  readonly #versions = new Map<string, ReadonlyMap<string, number>>();
  readonly #newest = new Map<string, number>();

  constructor({ revision, entries, withdrawn }: CatalogWire) {
    this.revision = revision;
    this.entries = entries;
    this.#withdrawn = withdrawn;
    const gone = new Set(withdrawn);
    for (const [number, { name, version }] of entries.entries()) {
      if (gone.has(number)) continue;
      this.#versions.set(name, new Map([...(this.#versions.get(name) ?? []), [version, number]]));
    }
    for (const [name, versions] of this.#versions) this.#newest.set(name, versions.get(newestOf([...versions.keys()])) as number);
  }

  /** The names that messages can refer to, sorted. */
  get names(): readonly string[] {
    return [...this.#versions.keys()].sort();
  }

  /** The versions of a schema that messages can refer to, oldest first. */
  versions(name: string): readonly string[] {
    return [...(this.#versions.get(name)?.keys() ?? [])].sort(semver.compareBuild);
  }

  /** The number of a schema version; of the newest one where `version` is null; -1 if there is none. */
  find(name: string, version: string | null): number {
    if (version === null) return this.#newest.get(name) ?? -1;
    return this.#versions.get(name)?.get(version) ?? -1;
  }

  entry(number: number): CatalogEntry | null {
    return this.entries[number] ?? null;
  }

  toWire(): CatalogWire {
    return { revision: this.revision, entries: this.entries, withdrawn: this.#withdrawn };
  }
}

/** The highest version; a pre-release only where there is nothing else. */
function newestOf(versions: readonly string[]): string {
  const released = versions.filter((version) => semver.prerelease(version) === null);
  return [...(released.length > 0 ? released : versions)].sort(semver.compareBuild).at(-1) as string;
}
