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
  /** Ids of a schema registry, each with a number that has it; left out where no registry is used. */
  readonly ids?: readonly (readonly [number, number])[];
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
  readonly #ids: CatalogWire['ids'];
  readonly #numbersById = new Map<number, number[]>();
  readonly #versions = new Map<string, ReadonlyMap<string, number>>();
  readonly #newest = new Map<string, number>();

  constructor({ revision, entries, withdrawn, ids }: CatalogWire) {
    this.revision = revision;
    this.entries = entries;
    this.#withdrawn = withdrawn;
    this.#ids = ids;
    for (const [id, number] of ids ?? []) this.#numbersById.set(id, [...this.numbersOf(id), number]);
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
    return [...(this.#versions.get(name)?.keys() ?? [])].sort(compareVersions);
  }

  /** Is a schema registry behind it, so that values may begin with an id and what is not here may still be found? */
  get hasRegistry(): boolean {
    return this.#ids !== undefined;
  }

  /** The numbers of the versions that have an id of the schema registry, withdrawn ones among them. */
  numbersOf(id: number): readonly number[] {
    return this.#numbersById.get(id) ?? [];
  }

  /** All numbers that a message can lead to. */
  usable(): ReadonlySet<number> {
    const named = [...this.#versions.values()].flatMap((versions) => [...versions.values()]);
    return new Set([...named, ...[...this.#numbersById.values()].flat()]);
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
    const wire = { revision: this.revision, entries: this.entries, withdrawn: this.#withdrawn };
    return this.#ids === undefined ? wire : { ...wire, ids: this.#ids };
  }
}

/** The highest version; a pre-release only where there is nothing else. */
function newestOf(versions: readonly string[]): string {
  const released = versions.filter((version) => semver.prerelease(version) === null);
  return [...(released.length > 0 ? released : versions)].sort(compareVersions).at(-1) as string;
}

/** Those of a schema registry are whole numbers. Where folder and registry have one name, the folder's versions are the newer ones. */
function compareVersions(a: string, b: string): number {
  const [registered, other] = [semver.valid(a) === null, semver.valid(b) === null];
  if (registered && other) return Number(a) - Number(b);
  return registered ? -1 : other ? 1 : semver.compareBuild(a, b);
}
