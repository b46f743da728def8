import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import type { Clock } from '../../lib/clock.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import type { DataQuarantineError } from '../../lib/errors.ts';
import { retryForever } from '../../lib/retry.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import type { RecordStore } from '../../store/record-store.ts';
import { encodeSegment, formatStoragePath, segmentKey } from '../../store/segment.ts';
import { DeadLetters, type DeadLettersOptions } from './dead-letters.ts';
import { type Identify, quarantined, type RejectsOf } from './quarantined.ts';

export type SinkName = 'storage' | 'postgres';

export interface QuarantineOptions extends DeadLettersOptions {
  readonly storage: Pick<ObjectStore, 'put'>;
  readonly records: Pick<RecordStore, 'insert'>;
  readonly identify: Identify;
  readonly clock: Clock;
  /**
   * A load is written when it holds this many messages or bytes, or when its first message waited this long and no other load is
   * being written.
   */
  readonly loadMessagesMax: number;
  readonly loadBytesMax: number;
  readonly lingerMsMax: number;
  /** Loads being written at once. */
  readonly loadsMax: number;
  /** Ends the trying: nobody waits any more. */
  readonly signal: AbortSignal;
  readonly onDuration: (sink: SinkName, seconds: number) => void;
  readonly onRetry: (sink: SinkName, error: DataQuarantineError, attempt: number) => void;
}

/** The rejects of one batch on their way. */
interface Item extends RejectsOf {
  readonly bytes: number;
  readonly kept: Deferred;
}

/**
 * Keeps bad messages: segment object, then row, then dead letter, in that order, so that whatever a reader finds leads to
 * something that is there. Rejects of several batches share a load. Full loads are written a few at a time; their dead letters go out
 * in the order of the loads. A repeat of a message already kept adds no row: its stored place is read back, and its dead letter
 * names that place. A failing neighbour is asked again for as long as it takes; `keep` resolves when all three are durable.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #letters: DeadLetters;
  readonly #waiting: Item[] = [];
  #waitingMessages = 0;
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #hasLingered = false;
  #writing = 0;
  #lettersOut: Promise<unknown> = Promise.resolve();

  constructor(options: QuarantineOptions) {
    this.#options = options;
    this.#letters = new DeadLetters(options);
  }

  async keep(batch: Batch, rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    let bytes = 0;
    for (const { row } of rejects) bytes += Math.max(0, batch.slab.valueBytes(row));
    const item: Item = { batch, rejects, bytes, kept: createDeferred() };
    this.#waiting.push(item);
    this.#waitingMessages += rejects.length;
    this.#waitingBytes += bytes;
    if (this.#timer === null) this.#linger();
    this.#writeWaiting();
    await item.kept.promise;
  }

  get #isFull(): boolean {
    const { loadMessagesMax, loadBytesMax } = this.#options;
    return this.#waitingMessages >= loadMessagesMax || this.#waitingBytes >= loadBytesMax;
  }

  /** From now on the linger counts for what is waiting. */
  #linger(): void {
    this.#rest();
    this.#timer = setTimeout(() => {
      this.#hasLingered = true;
      this.#writeWaiting();
    }, this.#options.lingerMsMax);
  }

  #rest(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#hasLingered = false;
  }

  /** Writes a full load at once. One that is not full lets others join while any is being written: a load costs much, a message little. */
  #writeWaiting(): void {
    const mayWrite = this.#isFull ? this.#writing < this.#options.loadsMax : this.#hasLingered && this.#writing === 0;
    if (!mayWrite || this.#waiting.length === 0) return;
    const load = this.#takeLoad();
    if (this.#waiting.length > 0) this.#linger();
    else this.#rest();
    this.#writing += 1;
    this.#write(load)
      .then(
        () => load.forEach(({ kept }) => kept.resolve()),
        (error: unknown) => load.forEach(({ kept }) => kept.reject(error)),
      )
      .finally(() => {
        this.#writing -= 1;
        this.#writeWaiting();
      });
    this.#writeWaiting();
  }

  /** As many of the waiting items as a load may hold, at least one. After an outage far more than one load may wait. */
  #takeLoad(): Item[] {
    const { loadMessagesMax, loadBytesMax } = this.#options;
    let [items, messages, bytes] = [0, 0, 0];
    for (const item of this.#waiting) {
      const isOver = messages + item.rejects.length > loadMessagesMax || bytes + item.bytes > loadBytesMax;
      if (items > 0 && isOver) break;
      items += 1;
      messages += item.rejects.length;
      bytes += item.bytes;
    }
    this.#waitingMessages -= messages;
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, items);
  }

  /** One load, read downward: segment → row → dead letter. */
  async #write(load: readonly Item[]): Promise<void> {
    const { identify, clock } = this.#options;
    const now = clock.now();
    const records = quarantined(load, identify, now);
    const kept = this.#putSegments(records).then((paths) => this.#insertRows(records, paths));
    const turn = this.#lettersOut;
    const sent = Promise.all([kept, turn]).then(([places]) => this.#letters.send(records, places));
    this.#lettersOut = sent.catch(() => {});
    await (await sent).acknowledged;
  }

  /** Stores the messages in one segment a topic; returns each one's storage path. */
  async #putSegments(records: readonly Quarantined[]): Promise<string[]> {
    const paths = new Array<string>(records.length);
    const byTopic = new Map<string, number[]>();
    records.forEach(({ topic }, index) => {
      const indexes = byTopic.get(topic);
      if (indexes) indexes.push(index);
      else byTopic.set(topic, [index]);
    });
    await Promise.all(
      [...byTopic].map(async ([topic, indexes]) => {
        const { bytes, places } = encodeSegment(indexes.map((index) => records[index] as Quarantined));
        // One key for all attempts: the store knows an object again that an attempt of unknown outcome left behind.
        const key = segmentKey(topic, this.#options.clock.now());
        await this.#tried('storage', () => this.#options.storage.put(key, bytes));
        indexes.forEach((index, at) => {
          paths[index] = formatStoragePath(key, places[at] as (typeof places)[number]);
        });
      }),
    );
    return paths;
  }

  /** Inserts the rows; returns the place of each message, which for a repeat is the one stored before. */
  async #insertRows(records: readonly Quarantined[], paths: readonly string[]): Promise<StoredPlace[]> {
    const rows = records.map((record, index) => ({ record, storagePath: paths[index] as string }));
    const before = await this.#tried('postgres', () => this.#options.records.insert(rows));
    return rows.map(
      ({ record, storagePath }) =>
        before.get(record.id) ?? { storagePath, fingerprint: record.fault.fingerprint, quarantinedAt: record.quarantinedAt },
    );
  }

  async #tried<T>(sink: SinkName, work: () => Promise<T>): Promise<T> {
    const { clock, signal, onDuration, onRetry } = this.#options;
    const startedMs = clock.monotonic();
    const result = await retryForever(work, { signal, onRetry: (error, attempt) => onRetry(sink, error, attempt) });
    onDuration(sink, (clock.monotonic() - startedMs) / 1000);
    return result;
  }
}
