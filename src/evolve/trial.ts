import type { Header } from '../model/header.ts';
import { answer, Slab } from '../model/slab.ts';
import type { Fault } from '../model/verdict.ts';
import type { CatalogReference } from '../registry/catalog.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { defaultLimits } from '../workers/read-json.ts';
import { maskMessage } from './mask-message.ts';

export interface TrialOptions {
  readonly pool: Pick<WorkerPool, 'judge' | 'threads'>;
  /** Holds the candidate and nothing else. */
  readonly catalog: CatalogReference;
  /** The schema of messages that name none. */
  readonly defaultName: string | null;
  /** The candidate itself: examples show the names that it declares. */
  readonly schema: unknown;
}

/** Messages that the candidate refused for one cause. No value of a payload is in it. */
export interface TrialCause {
  readonly records: number;
  readonly error_type: string;
  readonly error_message: string;
  readonly field_path: string | null;
  readonly keyword: string | null;
  /** Where to find one of them: a record's id, or `TOPIC/PARTITION/OFFSET`. */
  readonly example: string;
  /** That message in JSON, with the kinds of its values in their places. */
  readonly masked: string;
}

/** What a candidate says of many messages. */
export interface TrialResult {
  readonly accepted: number;
  /** Those of the accepted that fit after the candidate's remediation only. */
  readonly remediated: number;
  readonly refused: number;
  /** Messages of other schemas. */
  readonly other: number;
  /** Most frequent first. */
  readonly causes: readonly TrialCause[];
}

const rowsMax = 4_096;
const bytesMax = 2 * 2 ** 20;
const causesShownMax = 20;
/** Paths are part of a cause, and whoever sends messages may make up names. */
const causesMax = 1_000;
/** The candidate is the only schema that is known, so whatever is not of it cannot be found. */
const ofOthers: ReadonlySet<string> = new Set(['schema_not_found', 'schema_missing']);

/**
 * Judges messages by a candidate as the service would, in the same threads, and counts what it says. Messages go in one by one and out in
 * slabs; more than two slabs a thread are never out.
 */
export class Trial {
  readonly #options: TrialOptions;
  readonly #causes = new Map<string, { -readonly [Key in keyof TrialCause]: TrialCause[Key] }>();
  readonly #out = new Set<Promise<void>>();
  #slab = Slab.allocate(rowsMax, bytesMax);
  #places: string[] = [];
  #accepted = 0;
  #remediated = 0;
  #refused = 0;
  #other = 0;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /** `place` is for people who look for an example. */
  async add(value: Buffer, headers: readonly Header[], place: string): Promise<void> {
    const parts = { offset: 0, timestamp: 0, partition: 0, topic: 0, epoch: 0, key: null, value, headers };
    const bytes = Slab.bytesOf(parts);
    // Several readers add: the slab that one waited for may be full again.
    while (!this.#slab.hasRoom(bytes)) await this.#send(Math.max(bytes, bytesMax));
    this.#slab.append(parts);
    this.#places.push(place);
  }

  async close(): Promise<TrialResult> {
    await this.#send(bytesMax);
    await Promise.all(this.#out);
    const causes = [...this.#causes.values()].sort((a, b) => b.records - a.records).slice(0, causesShownMax);
    return { accepted: this.#accepted, remediated: this.#remediated, refused: this.#refused, other: this.#other, causes };
  }

  async #send(nextBytes: number): Promise<void> {
    const [slab, places] = [this.#slab, this.#places];
    this.#slab = Slab.allocate(rowsMax, nextBytes);
    this.#places = [];
    if (slab.count === 0) return;
    while (this.#out.size >= this.#options.pool.threads * 2) await Promise.race(this.#out);
    const judging = this.#judge(slab, places).finally(() => this.#out.delete(judging));
    this.#out.add(judging);
    // A failure is met by whoever waits for it next.
    judging.catch(() => {});
  }

  async #judge(slab: Slab, places: readonly string[]): Promise<void> {
    const { pool, catalog, defaultName } = this.#options;
    const { rejects, mended = [] } = await pool.judge({
      slab: slab.toWire(),
      count: slab.count,
      range: { from: 0, to: slab.count },
      topics: [{ schema: defaultName, allowed: null, strict: false }],
      catalog,
      limits: defaultLimits,
      absent: [],
      // Among what is in quarantine there may be a message that kills native code, and the service with it.
      engine: 'js',
      producerHeaders: null,
    });
    this.#remediated += mended.length;
    for (let row = 0; row < slab.count; row++) {
      if (slab.answers[row] === answer.valid) this.#accepted += 1;
      // Tombstones, and ids of the schema registry that are not the candidate's.
      else if (slab.answers[row] !== answer.faulty) this.#other += 1;
    }
    for (const { row, fault } of rejects) {
      if (ofOthers.has(fault.error_type)) this.#other += 1;
      else this.#refuse(fault, places[row] as string, slab.value(row));
    }
  }

  #refuse(fault: Fault, example: string, value: Buffer | null): void {
    this.#refused += 1;
    const known = this.#causes.get(fault.fingerprint);
    if (known) known.records += 1;
    else if (this.#causes.size < causesMax) {
      const { error_type, error_message, field_path, keyword } = fault;
      const masked = maskMessage(value, this.#options.schema);
      this.#causes.set(fault.fingerprint, { records: 1, error_type, error_message, field_path, keyword, example, masked });
    }
  }
}
