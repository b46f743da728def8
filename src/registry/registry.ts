import { readFile } from 'node:fs/promises';
import { systemClock } from '../lib/clock.ts';
import { DataQuarantineError, hasCode, messageOf } from '../lib/errors.ts';
import type { SchemaSource } from '../model/registered-schema.ts';
import { Catalog, type CatalogEntry, type CatalogReference, type CatalogWire } from './catalog.ts';
import { type Compilation, compileSchema, type SchemaProblem, schemaDigest, schemaInvalid } from './compiler.ts';
import { FolderWatch } from './folder-watch.ts';
import { type Generated, ModuleStore } from './module-store.ts';
import { type PlannedFields, plannedFields } from './planned-fields.ts';
import { RemoteSchemas, type RemoteVersion } from './remote-schemas.ts';
import type { SchemaFile } from './schema-file.ts';
import { listSchemas, parseAt, type SchemaPlace } from './schema-folder.ts';
import { isMet, parseNeed } from './schema-need.ts';

/** Where the registry tells what it did. A pino logger fits. */
export interface RegistryLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RegistryOptions {
  readonly dir: string;
  /** For validators of versions that the build did not know, and for manifests. */
  readonly cacheDir: string;
  /** The folder of a build (`generated`), null for none. */
  readonly prebuiltDir: string | null;
  readonly log: RegistryLog;
  /** A schema registry whose subjects are schemas too, under their names and ids. */
  readonly remote?: { readonly source: SchemaSource; readonly url: string } | null;
  readonly reloadMsInterval?: number;
  /** A file that is gone may be on its way back, as in a checkout: it must be gone for this long. */
  readonly withdrawMsAfter?: number;
  /** Generates a validator, best off the main thread; in place where none is given. */
  readonly compile?: (schema: unknown) => Compilation | Promise<Compilation>;
}

/** A file that is not in use as it stands now, and why. */
export interface Refusal {
  readonly path: string;
  readonly error: DataQuarantineError;
}

/** What is known of one file. */
interface Known {
  /** The text last judged, null to judge it again at the next reload. */
  text: string | null;
  /** The schema number of its last good text, null if it never had one. */
  number: number | null;
  refusal: DataQuarantineError | null;
  /** Monotonic milliseconds when it was first found to be gone. */
  goneSinceMs: number | null;
}

/** A schema that was refused by what it is, or by how compiling it ended. */
interface RefusedSchema {
  readonly problem: SchemaProblem;
  readonly tries: number;
  /** The load in which it was last tried. */
  readonly load: number;
}

/** Compiling it was cut off, and a later load tries it again. */
class CutOff extends DataQuarantineError {
  constructor(message: string) {
    super('DQ_SCHEMA_INVALID', `${message}; it is tried again later`);
  }
}

/** How often a schema is tried whose compiling is cut off. Each time may take a minute, in which no other is compiled. */
const triesMax = 3;
/** How long the registry's no is believed: somebody may register the schema a moment later. */
const absentMs = 30_000;
const absentMax = 1_000;
/** The registry is asked no more often than that, and for so many ids at once; for names it is one list of its subjects. */
const askMsInterval = 250;
const askIdsMax = 50;

/**
 * Knows the schema versions of a folder, and of a schema registry if there is one, and keeps up with them: with the folder at once on a
 * change, with both every few minutes, and with the registry when a message needs what is not here.
 *
 * What cannot be read, parsed or compiled is refused by name and place; its last good version and all others stay in use.
 * Invariants: numbers are only ever added, and a catalog never changes once it was given out. States: open, closed.
 */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #store: ModuleStore;
  readonly #known = new Map<string, Known>();
  readonly #entries: CatalogEntry[] = [];
  /** By what an entry says without its generated files, in JSON. */
  readonly #numbers = new Map<string, number>();
  /** The schemas by number, and the fields of those that were asked for. */
  readonly #schemas: unknown[] = [];
  readonly #planned = new Map<number, PlannedFields | null>();
  readonly #remote: RemoteSchemas | null;
  /** The schema number of each version of the registry; null where it is of no use here. */
  readonly #remoteNumbers = new Map<RemoteVersion, number | null>();
  /** Versions of the registry that the next load tries again. */
  readonly #remoteAgain = new Set<RemoteVersion>();
  /** Schemas that do not compile, by digest: whatever names them, they are not tried again unless they were cut off. */
  readonly #refused = new Map<string, RefusedSchema>();
  #loads = 0;
  readonly #absent = new Map<string, number>();
  /** What the next round asks for, and that round. */
  readonly #wanted = new Set<string>();
  #round: Promise<ReadonlySet<string>> | null = null;
  #askedMs = Number.NEGATIVE_INFINITY;
  readonly #watch = new FolderWatch(() => void this.reload());
  #catalog = new Catalog({ revision: 0, entries: [], withdrawn: [] });
  #reference: CatalogReference | null = null;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #lookAgain: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(options: RegistryOptions, store: ModuleStore, remote: RemoteSchemas | null) {
    this.#options = options;
    this.#store = store;
    this.#remote = remote;
  }

  /** Loads the folder and the registry. Throws if one cannot be read; a bad file among good ones is refused, not fatal. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const { cacheDir, prebuiltDir, remote: from, log } = options;
    const store = await ModuleStore.open(cacheDir, prebuiltDir);
    const remote = from ? await RemoteSchemas.open(from.source, { url: from.url, cacheDir, onAway: (why) => log.warn({}, why) }) : null;
    const registry = new Registry(options, store, remote);
    try {
      await registry.#load();
    } catch (error) {
      await registry.close();
      throw error;
    }
    registry.#timer = setInterval(() => void registry.reload(), options.reloadMsInterval ?? 300_000).unref();
    return registry;
  }

  catalog(): Catalog {
    return this.#catalog;
  }

  /** How tasks name the catalog of {@link catalog}. */
  reference(): CatalogReference {
    if (this.#reference === null) throw new Error('a registry has a manifest from the moment it is open');
    return this.#reference;
  }

  /** The fields that the schema of that number speaks of; null where there is no such schema, or it speaks of too many. */
  planned(number: number): PlannedFields | null {
    if (this.#entries[number] === undefined) return null;
    const known = this.#planned.get(number);
    if (known !== undefined) return known;
    const fields = plannedFields(this.#schemas[number]);
    this.#planned.set(number, fields);
    return fields;
  }

  get refusals(): readonly Refusal[] {
    return [...this.#known].flatMap(([path, { refusal }]) => (refusal ? [{ path, error: refusal }] : []));
  }

  /** Reads folder and registry again, after what may be under way. Never throws: what fails is logged and what was good stays. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) return;
      const { log } = this.#options;
      await this.#remote
        ?.refresh()
        .catch((error: unknown) =>
          log.warn({ error: messageOf(error) }, 'the schema registry could not be asked; its last copy stays in use'),
        );
      await this.#load().catch((error: unknown) => log.error({ error: messageOf(error) }, 'the schemas could not be reloaded'));
    });
  }

  /**
   * Asks the schema registry for what messages need and returns what it does not have; where there is much to ask for, not all is known
   * by then. Throws what keeps it from answering: then nothing is known of the rest, and whoever needs it waits and asks again.
   */
  async ask(needs: readonly string[]): Promise<readonly string[]> {
    for (const text of needs) this.#wanted.add(text);
    this.#round ??= this.#inTurn(() => this.#askRound());
    const absent = await this.#round;
    return needs.filter((text) => absent.has(text));
  }

  /**
   * One round for all that was asked meanwhile. Messages choose what they need, so the rounds have a pace and a size; what is beyond it gets
   * no answer, and is asked for again.
   */
  async #askRound(): Promise<ReadonlySet<string>> {
    await systemClock.sleep(Math.max(0, this.#askedMs + askMsInterval - performance.now()));
    const needs = [...this.#wanted].map((text) => ({ text, need: parseNeed(text) })).filter(({ need }) => !isMet(need, this.#catalog));
    this.#wanted.clear();
    this.#round = null;
    const known = new Set(this.absent());
    const unknown = needs.filter(({ text }) => !known.has(text));
    if (unknown.length === 0) return known;
    const ids = unknown.filter(({ need }) => 'id' in need);
    const asked = [...unknown.filter(({ need }) => 'name' in need), ...ids.slice(0, askIdsMax)];
    this.#askedMs = performance.now();
    await this.#remote?.find(asked.map(({ need }) => need));
    await this.#takeRemote();
    await this.#publish();
    const absent = asked.filter(({ need }) => !isMet(need, this.#catalog)).map(({ text }) => text);
    for (const text of absent) this.#absent.set(text, performance.now() + absentMs);
    for (const [oldest] of [...this.#absent].slice(0, -absentMax)) this.#absent.delete(oldest);
    return new Set([...known, ...absent]);
  }

  /** The needs that the registry said no to a moment ago. */
  absent(): readonly string[] {
    for (const [text, untilMs] of this.#absent) if (untilMs < performance.now()) this.#absent.delete(text);
    return [...this.#absent.keys()];
  }

  /** One after the other: what is numbered and published is never half of two. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }

  /** Stops watching and waits for a reload that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#lastTurn;
    if (this.#lookAgain) clearTimeout(this.#lookAgain);
    this.#watch.close();
  }

  async #load(): Promise<void> {
    const { places, folders } = await listSchemas(this.#options.dir);
    if (!this.#closed) this.#watch.follow(folders);
    this.#loads += 1;
    for (const remote of this.#remoteAgain) this.#remoteNumbers.delete(remote);
    this.#remoteAgain.clear();
    for (const place of places) await this.#look(place);
    this.#forget(new Set(places.map(({ path }) => path)));
    await this.#takeRemote();
    await this.#publish();
  }

  /** Numbers what the schema registry has and we have not seen yet. */
  async #takeRemote(): Promise<void> {
    for (const remote of this.#remote?.versions ?? []) {
      if (this.#remoteNumbers.has(remote)) continue;
      const { subject, version, id, schema, problem } = remote;
      const placeOf = () => `${subject} version ${version} (id ${id})`;
      try {
        if (problem !== null) throw new DataQuarantineError('DQ_SCHEMA_INVALID', `${placeOf()}: ${problem}`);
        const file = {
          name: subject,
          version: String(version),
          schema,
          key: null,
          owner: null,
          description: null,
          rules: [],
          remediation: null,
          placeOf,
        };
        this.#remoteNumbers.set(remote, await this.#number(file));
      } catch (error) {
        this.#options.log.error({ schema: subject, version, id }, `schema refused: ${messageOf(error)}`);
        // A lost thread or a full disk may be gone the next time.
        if (!hasCode(error, 'DQ_SCHEMA_INVALID')) throw error;
        this.#remoteNumbers.set(remote, null);
        if (error instanceof CutOff) this.#remoteAgain.add(remote);
      }
    }
  }

  /** Takes over what a file says now, unless it is what it said before. */
  async #look(place: SchemaPlace): Promise<void> {
    const known = this.#known.get(place.path) ?? { text: null, number: null, refusal: null, goneSinceMs: null };
    this.#known.set(place.path, known);
    known.goneSinceMs = null;
    let text: string | null = null;
    try {
      text = await readFile(place.path, 'utf8');
      if (text === known.text) return;
      known.number = await this.#numberOf(text, place, known.number);
      known.refusal = null;
      known.text = text;
    } catch (error) {
      known.refusal = refusalOf(error, place);
      const fields = { schema: place.name, version: place.version, code: known.refusal.code, kept: known.number !== null };
      this.#options.log.error(fields, `schema refused: ${known.refusal.message}`);
      // The same bad text need not be judged again; a full disk or a lost thread may be gone at the next reload.
      const isBad = hasCode(error, 'DQ_SCHEMA_INVALID') || hasCode(error, 'DQ_SCHEMA_FILE_INVALID');
      known.text = isBad && !(error instanceof CutOff) ? text : null;
    }
  }

  /** The number of the schema version that `text` describes; a new one unless the very same was there before. */
  async #numberOf(text: string, place: SchemaPlace, before: number | null): Promise<number> {
    const file = parseAt(text, place);
    const count = this.#entries.length;
    const number = await this.#number(file);
    if (before !== null && number === count)
      this.#options.log.warn(
        { schema: file.name, version: file.version },
        'a schema version changed in place; a new version number is safer',
      );
    return number;
  }

  async #number({ name, version, schema, key, rules, remediation, placeOf }: SchemaFile): Promise<number> {
    const digest = schemaDigest(schema);
    const identity = { name, version, digest, key, ...(rules.length > 0 && { rules }), ...(remediation?.enabled && { remediation }) };
    const text = JSON.stringify(identity);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const generated = (await this.#store.find(digest)) ?? (await this.#generate(schema, digest, placeOf));
    this.#schemas.push(schema);
    const number = this.#entries.push({ ...identity, ...generated }) - 1;
    this.#numbers.set(text, number);
    return number;
  }

  async #generate(schema: unknown, digest: string, placeOf: (pointer: string | null) => string): Promise<Generated> {
    const before = this.#refused.get(digest);
    const isDue = before === undefined || (isOpen(before) && before.load < this.#loads);
    const compilation = isDue ? await (this.#options.compile ?? compileSchema)(schema) : before;
    if (!('problem' in compilation)) return this.#store.keep(digest, compilation);
    const { problem } = compilation;
    const refused = isDue ? { problem, tries: (before?.tries ?? 0) + 1, load: this.#loads } : before;
    this.#refused.set(digest, refused);
    const error = schemaInvalid(problem, placeOf(problem.pointer));
    throw isOpen(refused) ? new CutOff(error.message) : error;
  }

  /** Drops files that have been gone for long enough, and comes back for the others. */
  #forget(present: ReadonlySet<string>): void {
    const waitMs = this.#options.withdrawMsAfter ?? 2_000;
    const nowMs = performance.now();
    if (this.#lookAgain) clearTimeout(this.#lookAgain);
    this.#lookAgain = null;
    for (const [path, known] of this.#known) {
      if (present.has(path)) continue;
      known.goneSinceMs ??= nowMs;
      if (nowMs - known.goneSinceMs >= waitMs) this.#known.delete(path);
      else this.#lookAgain ??= setTimeout(() => void this.reload(), waitMs + 1).unref();
    }
  }

  /** Gives out a new catalog if anything that a message can refer to has changed. The manifest is there before its catalog is. */
  async #publish(): Promise<void> {
    const found = new Set([...this.#known.values()].map(({ number }) => number));
    for (const [remote, number] of this.#remoteNumbers) if (this.#remote?.isListed(remote)) found.add(number);
    const withdrawn = [...this.#entries.keys()].filter((number) => !found.has(number));
    const ids = [...this.#remoteNumbers].flatMap(([{ id }, number]): [number, number][] => (number === null ? [] : [[id, number]]));
    const last = this.#catalog.toWire();
    const next: CatalogWire = { revision: last.revision, entries: [...this.#entries], withdrawn, ...(this.#remote && { ids }) };
    if (this.#reference !== null && JSON.stringify(last) === JSON.stringify(next)) return;
    const catalog = new Catalog({ ...next, revision: last.revision + 1 });
    this.#reference = await this.#store.keepManifest(catalog.toWire());
    this.#catalog = catalog;
    const fields = { revision: catalog.revision, schemas: catalog.names.length, versions: catalog.entries.length - withdrawn.length };
    this.#options.log.info({ ...fields, refused: this.refusals.length }, 'schemas loaded');
  }
}

/** May a later load try it again? */
function isOpen({ problem, tries }: RefusedSchema): boolean {
  return problem.mayPass === true && tries < triesMax;
}

function refusalOf(error: unknown, { path }: SchemaPlace): DataQuarantineError {
  if (error instanceof DataQuarantineError) return error;
  return new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `${path}: ${messageOf(error)}`, { cause: error });
}
