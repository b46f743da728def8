import { messageOf } from '../lib/errors.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import type { DriftStore, SeenField } from '../store/drift-store.ts';
import type { FieldCount } from '../workers/field-sampler.ts';

export interface DriftBookOptions {
  readonly store: Pick<DriftStore, 'add' | 'prune'>;
  readonly entryOf: (schema: number) => CatalogEntry | null;
  readonly log: { warn(fields: object, message: string): void };
  /** Told once for each field that a schema does not plan, or not with that type, by version and producer. */
  readonly onDrift: (schema: string) => void;
  readonly isDrift: (schema: number, path: string, type: string) => boolean;
}

/** Fields of this process, and producers of one schema: a producer who makes up names cannot fill memory or table. */
const fieldsMax = 20_000;
const producersMax = 100;
const flushMsInterval = 10_000;
const flushesUntilPrune = 360;

/**
 * Gathers what the threads saw and writes it to the database from time to time. Nothing waits for it: while the database is away counts
 * stay in memory, and a crash loses those of the last seconds. States: open, closed.
 */
export class DriftBook {
  readonly #options: DriftBookOptions;
  readonly #known = new Set<string>();
  readonly #producers = new Map<string, Set<string>>();
  readonly #timer: NodeJS.Timeout;
  #open = new Map<string, { -readonly [Key in keyof SeenField]: SeenField[Key] }>();
  #flushing: Promise<void> = Promise.resolve();
  #flushes = 0;

  constructor(options: DriftBookOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), flushMsInterval).unref();
  }

  take(counts: readonly FieldCount[]): void {
    const now = new Date();
    for (const { schema, path, type, messages, producer: named } of counts) {
      const entry = this.#options.entryOf(schema);
      if (entry === null) continue;
      const producer = this.#bounded(entry.name, named);
      const key = [entry.name, entry.version, producer, path, type].join('\0');
      if (!this.#known.has(key)) {
        if (this.#known.size >= fieldsMax) continue;
        this.#known.add(key);
        if (this.#options.isDrift(schema, path, type)) this.#options.onDrift(entry.name);
      }
      const open = this.#open.get(key);
      if (open) {
        open.messages += messages;
        open.lastSeen = now;
      } else {
        const identity = { schemaName: entry.name, schemaVersion: entry.version, producer, path, type };
        this.#open.set(key, { ...identity, messages, firstSeen: now, lastSeen: now });
      }
    }
  }

  /** Writes what is open. Never throws: what could not be written stays open. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const { store, log } = this.#options;
      const writing = this.#open;
      if (writing.size === 0) return;
      this.#open = new Map();
      try {
        await store.add([...writing.values()]);
        this.#flushes += 1;
        if (this.#flushes % flushesUntilPrune === 0) await store.prune();
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'what was seen of fields could not be written; it is tried again');
        this.#takeBack(writing);
      }
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #takeBack(fields: ReadonlyMap<string, SeenField>): void {
    for (const [key, field] of fields) {
      const since = this.#open.get(key);
      const { messages = 0, lastSeen = field.lastSeen } = since ?? {};
      this.#open.set(key, { ...field, messages: field.messages + messages, lastSeen });
    }
  }

  #bounded(schema: string, producer: string): string {
    const producers = this.#producers.get(schema) ?? new Set();
    this.#producers.set(schema, producers);
    if (producers.size < producersMax) producers.add(producer);
    return producers.has(producer) ? producer : '(others)';
  }
}
