import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasCode, messageOf } from '../lib/errors.ts';
import type { RegisteredVersion, SchemaSource } from '../model/registered-schema.ts';
import { bundleSchema } from './bundle-schema.ts';
import { writeWhole } from './module-store.ts';
import type { SchemaNeed } from './schema-need.ts';

/** One version of a subject with all that its schema refers to. */
export interface RemoteVersion {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
  /** Null where the text is no JSON Schema that could be put together; `problem` says why. */
  readonly schema: unknown;
  readonly problem: string | null;
}

/** The form of the copy on disk. */
interface Copy {
  readonly format: 1;
  readonly listed: readonly string[];
  readonly versions: readonly RemoteVersion[];
}

const requestsMax = 8;
/** Far more than anybody has; what is beyond it is found when a message needs it. */
const versionsMax = 20_000;

/**
 * What a schema registry said, by subject and version. A version never changes there, so it is asked for once. The last good copy lies
 * on disk: with it a service starts and works while the registry is away. Versions that were deleted keep their id, for messages
 * that were written before, and lose their name.
 */
export class RemoteSchemas {
  readonly #source: SchemaSource;
  readonly #copyPath: string;
  readonly #versions = new Map<string, RemoteVersion>();
  #listed: ReadonlySet<string> = new Set();

  private constructor(source: SchemaSource, copyPath: string) {
    this.#source = source;
    this.#copyPath = copyPath;
  }

  /** Reads the copy on disk, asks the registry, and needs one of the two. */
  static async open(source: SchemaSource, { url, cacheDir, onAway }: RemoteOptions): Promise<RemoteSchemas> {
    const digest = createHash('sha256').update(url).digest('hex').slice(0, 32);
    const remote = new RemoteSchemas(source, join(resolve(cacheDir), `registry-${digest}.json`));
    const hasCopy = await remote.#readCopy();
    try {
      await remote.refresh();
    } catch (error) {
      // With a copy it is the registry's own URL, and what answers there now is in its place for a while.
      const isAway = hasCode(error, 'DQ_SCHEMA_REGISTRY_UNREACHABLE') || hasCode(error, 'DQ_SCHEMA_REGISTRY_STRANGE');
      if (!hasCopy || !isAway) throw error;
      onAway(`${error.message}; going on with the copy of ${remote.#versions.size} versions in ${remote.#copyPath}`);
    }
    return remote;
  }

  /** All versions ever seen. */
  get versions(): Iterable<RemoteVersion> {
    return this.#versions.values();
  }

  /** Can messages still name it? */
  isListed({ subject, version }: Pick<RemoteVersion, 'subject' | 'version'>): boolean {
    return this.#listed.has(keyOf(subject, version));
  }

  /** Asks for what is new. Throws what keeps the registry from answering; what came before that stays. */
  async refresh(): Promise<void> {
    const before = this.#versions.size;
    const listed = new Set<string>();
    const fresh: [string, number][] = [];
    await eachOf(await this.#source.subjects(), async (subject) => {
      for (const version of (await this.#source.versions(subject)) ?? []) {
        const key = keyOf(subject, version);
        listed.add(key);
        if (!this.#versions.has(key)) fresh.push([subject, version]);
      }
    });
    await eachOf(fresh.slice(0, Math.max(0, versionsMax - before)), ([subject, version]) => this.#take(subject, version));
    const relisted = listed.size !== this.#listed.size || [...listed].some((key) => !this.#listed.has(key));
    this.#listed = listed;
    if (relisted || this.#versions.size !== before) await this.#writeCopy();
  }

  /** Asks for what messages need. Nothing changes where the registry does not have it. */
  async find(needs: readonly SchemaNeed[]): Promise<void> {
    const before = this.#versions.size;
    const names = needs.flatMap((need) => ('name' in need ? [need.name] : []));
    // Messages choose the names, so only those that the registry lists go into a path: a server may have no answer to ".." or a NUL.
    const there = new Set(names.length === 0 ? [] : await this.#source.subjects());
    await eachOf(
      [...new Set(names)].filter((name) => there.has(name)),
      (name) => this.#findNamed(name),
    );
    await eachOf(
      needs.flatMap((need) => ('id' in need && need.id >= 0 ? [need.id] : [])),
      (id) => this.#findId(id),
    );
    if (this.#versions.size !== before) await this.#writeCopy();
  }

  async #findId(id: number): Promise<void> {
    const places = await this.#source.versionsOf(id);
    for (const { subject, version } of places) {
      await this.#take(subject, version);
      this.#listed = new Set([...this.#listed, keyOf(subject, version)]);
    }
    if ([...this.#versions.values()].some((known) => known.id === id)) return;
    // Its subjects are deleted; messages of their time are still to be judged.
    const found = await this.#source.byId(id);
    if (found !== null) await this.#keep({ ...found, id, subject: `schema-id-${id}`, version: 1 });
  }

  async #findNamed(name: string): Promise<void> {
    for (const version of (await this.#source.versions(name)) ?? []) {
      await this.#take(name, version);
      this.#listed = new Set([...this.#listed, keyOf(name, version)]);
    }
  }

  async #take(subject: string, version: number): Promise<void> {
    if (this.#versions.has(keyOf(subject, version))) return;
    const found = await this.#source.version(subject, version);
    if (found !== null) await this.#keep(found);
  }

  async #keep(found: RegisteredVersion): Promise<void> {
    const { id, subject, version } = found;
    let schema: unknown = null;
    let problem: string | null = null;
    try {
      if (found.type === 'JSON') schema = await bundleSchema(found, this.#source);
      else problem = `it is of the type ${found.type}, not JSON`;
    } catch (error) {
      if (!hasCode(error, 'DQ_SCHEMA_INVALID')) throw error;
      problem = messageOf(error);
    }
    this.#versions.set(keyOf(subject, version), { id, subject, version, schema, problem });
  }

  async #readCopy(): Promise<boolean> {
    const text = await readFile(this.#copyPath, 'utf8').catch(() => null);
    if (text === null) return false;
    try {
      const { format, listed, versions } = JSON.parse(text) as Copy;
      if (format !== 1) return false;
      for (const known of versions) this.#versions.set(keyOf(known.subject, known.version), known);
      this.#listed = new Set(listed);
      return true;
    } catch {
      return false;
    }
  }

  async #writeCopy(): Promise<void> {
    const copy: Copy = { format: 1, listed: [...this.#listed], versions: [...this.#versions.values()] };
    await writeWhole(this.#copyPath, `${JSON.stringify(copy)}\n`);
  }
}

export interface RemoteOptions {
  /** Names the copy: two registries never share one. */
  readonly url: string;
  readonly cacheDir: string;
  /** Told that the registry is away and the copy is used. */
  readonly onAway: (why: string) => void;
}

function keyOf(subject: string, version: number): string {
  return `${version} ${subject}`;
}

/** A few at once; the first failure ends it. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const open = items.values();
  const lanes = Array.from({ length: Math.min(requestsMax, items.length) }, async () => {
    for (const item of open) await work(item);
  });
  await Promise.all(lanes);
}
