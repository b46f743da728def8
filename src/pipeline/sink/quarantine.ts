import { assert } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError, isRetryable } from '../../lib/errors.ts';
import { retryForever } from '../../lib/retry.ts';
import type { Batch } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import { SlabRing } from '../../model/slab-ring.ts';
import { encodeSpooled } from '../../store/spooled-record.ts';
import { DeadLetters, type DeadLettersOptions } from './dead-letters.ts';
import { Load } from './load.ts';
import { type Identify, quarantined } from './quarantined.ts';
import type { Stores } from './stores.ts';

export interface QuarantineOptions extends DeadLettersOptions {
  readonly stores: Pick<Stores, 'areAway' | 'keep' | 'keepOriginals'>;
  /** Where records wait while the stores are away, null where they may not: then their offsets wait instead. */
  readonly spool: { append(records: readonly Buffer[]): Promise<void> } | null;
  /** After so long the spool's disk counts as hanging. */
  readonly spoolMsMax: number;
  readonly identify: Identify;
  readonly clock: Clock;
  /**
   * A load is written when it holds this many messages, when the next does not fit into these bytes, or when its first message waited this
   * long and no other load is being written.
   */
  readonly loadMessagesMax: number;
  readonly loadBytesMax: number;
  readonly lingerMsMax: number;
  /** Loads being written at once. */
  readonly loadsMax: number;
  /** Batches whose messages may be on their way at once. */
  readonly batchesMax: number;
  /** Ends the trying: nobody waits any more. */
  readonly signal: AbortSignal;
  /** The spool took records, or refused them: then consumption waits. */
  readonly onSpooled: (records: number, seconds: number) => void;
  readonly onSpoolRefused: (error: DataQuarantineError) => void;
  /** All that the spool had refused is kept after all, there or in the stores. */
  readonly onRefusedKept: () => void;
}

/** So many full loads may wait behind those that are being written. */
const waitingLoadsMax = 2;

/** Bad messages on their way. */
export interface Keeping {
  /** They are copied: nobody needs the batch's slab for them any more. */
  readonly copied: Promise<void>;
  /** They are durable. */
  readonly kept: Promise<void>;
}

const nothingToKeep: Keeping = { copied: Promise.resolve(), kept: Promise.resolve() };

/** The rejects of one batch on their way into loads. */
interface Item {
  readonly batch: Batch;
  readonly rejects: readonly Reject[];
  /** Those before are in `loads`. */
  next: number;
  readonly loads: Set<Load>;
  readonly copied: Deferred;
}

/**
 * Keeps bad messages: segment object, then row, then dead letter, in that order, so that whatever a reader finds leads to
 * something that is there. Rejects of several batches share a load. Full loads are written a few at a time; their dead letters go out
 * in the order of the loads. A repeat of a message already kept adds no row: its stored place is read back, and its dead letter
 * names that place. While a store is away, loads go to the spool instead, and their letters go out when it is drained. Messages
 * are kept when all three are durable, or the spool is; where neither can be had, they wait for whichever comes first.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #letters: DeadLetters;
  /** As many loads as may be written at once, and those that may wait behind them; fewer where messages are larger than a load. */
  readonly #ring: SlabRing;
  /** What is not all in loads yet. */
  readonly #waiting: Item[] = [];
  /** The load that messages join, null where none waits. */
  #filling: Load | null = null;
  readonly #full: Load[] = [];
  /** Batches with messages that are not kept yet. */
  #batches = 0;
  #waiter: Deferred | null = null;
  #timer: NodeJS.Timeout | null = null;
  #hasLingered = false;
  #writing = 0;
  /** A load failed for good: what is behind it would only be sent again. */
  #isBroken = false;
  /** Loads that the spool refused and that are not kept yet. */
  #refused = 0;
  #lettersOut: Promise<unknown> = Promise.resolve();

  constructor(options: QuarantineOptions) {
    this.#options = options;
    this.#letters = new DeadLetters(options);
    const { loadMessagesMax: rowsMax, loadBytesMax: bytesMax, loadsMax } = options;
    this.#ring = new SlabRing({ slabs: loadsMax + waitingLoadsMax, rowsMax, bytesMax });
  }

  /** Takes the place of the messages in the line; both promises of what it returns come later. */
  keep(batch: Batch, rejects: readonly Reject[]): Keeping {
    if (rejects.length === 0) return nothingToKeep;
    const item: Item = { batch, rejects, next: 0, loads: new Set(), copied: createDeferred() };
    this.#waiting.push(item);
    this.#batches += 1;
    this.#fill();
    this.#writeWaiting();
    return { copied: item.copied.promise, kept: this.#keptOf(item) };
  }

  async #keptOf({ loads, copied }: Item): Promise<void> {
    try {
      await copied.promise;
      await Promise.all([...loads].map(({ kept }) => kept.promise));
    } finally {
      this.#batches -= 1;
      this.#wakeIfRoom();
    }
  }

  /** Should more come? Not while no load takes any, nor while so many batches wait for their bad messages, which a restart would bring again. */
  get hasRoom(): boolean {
    const { batchesMax } = this.#options;
    return this.#waiting.length === 0 && (this.#filling !== null || this.#ring.hasFree) && this.#batches < batchesMax;
  }

  /** Resolves when there is room. */
  async freed(): Promise<void> {
    if (this.hasRoom) return;
    this.#waiter ??= createDeferred();
    await this.#waiter.promise;
  }

  #wakeIfRoom(): void {
    if (!this.hasRoom) return;
    this.#waiter?.resolve();
    this.#waiter = null;
  }

  /** Copies what waits into loads, in order, as far as there may be more of them. */
  #fill(): void {
    for (let item = this.#waiting[0]; item; item = this.#waiting[0]) {
      const { batch, rejects, loads, copied } = item;
      for (; item.next < rejects.length; item.next++) {
        const load = this.#put(batch, rejects[item.next] as Reject);
        if (!load) return;
        if (loads.has(load)) continue;
        loads.add(load);
        // A load that fails leaves no room for the rest, which would wait for ever.
        load.kept.promise.catch(copied.reject);
      }
      this.#waiting.shift();
      copied.resolve();
    }
  }

  /** Puts a message into the load that is being filled, or into a new one behind it; null where there may be none. */
  #put(batch: Batch, reject: Reject): Load | null {
    if (!this.#filling?.add(batch, reject)) {
      if (this.#filling) this.#close(this.#filling);
      if (!this.#ring.hasFree) return null;
      this.#filling = new Load(this.#ring.take(batch.slab.messageBytes(reject.row)));
      this.#linger();
      assert(this.#filling.add(batch, reject), 'a message does not fit into a load of its own');
    }
    const load = this.#filling;
    if (load.isFull) this.#close(load);
    return load;
  }

  /** Nothing joins the load any more. */
  #close(load: Load): void {
    this.#full.push(load);
    this.#filling = null;
    this.#rest();
  }

  #linger(): void {
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
    if (this.#isBroken) return;
    const isFull = this.#full.length > 0;
    if (isFull ? this.#writing >= this.#options.loadsMax : !this.#hasLingered || this.#writing > 0) return;
    if (!isFull && this.#filling) this.#close(this.#filling);
    const load = this.#full.shift() as Load;
    this.#writing += 1;
    this.#write(load)
      .then(
        () => {
          this.#ring.give(load.slab);
          load.kept.resolve();
        },
        (error: unknown) => {
          this.#isBroken = true;
          load.kept.reject(error);
        },
      )
      .finally(() => {
        this.#writing -= 1;
        this.#fill();
        this.#wakeIfRoom();
        this.#writeWaiting();
      });
    this.#writeWaiting();
  }

  /**
   * Keeps messages that were mended as they came: a segment, and neither row nor dead letter. Gives each one's storage path, by row. Their
   * copies name it, so this waits for as long as the object store is away.
   */
  async keepOriginals({ slab, topics }: Batch, rows: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const { stores, signal } = this.#options;
    const originals = rows.map((row) => ({
      topic: topics[slab.topic(row)] as string,
      partition: slab.partition(row),
      offset: slab.offset(row),
      timestamp: slab.timestamp(row),
      key: slab.key(row),
      packedHeaders: slab.packedHeaders(row),
      value: slab.value(row) as Buffer,
    }));
    const paths = await stores.keepOriginals(originals, signal);
    return new Map(rows.map((row, index) => [row, paths[index] as string]));
  }

  /** Records that waited in the spool: the same way, for as long as it takes. */
  async keepSpooled(records: readonly Quarantined[]): Promise<void> {
    const { stores, signal } = this.#options;
    const places = await stores.keep(records, 'forever', signal);
    await this.#sendInTurn(records, Promise.resolve(places));
  }

  /** One load, read downward: segment → row → dead letter, or the spool. */
  async #write(load: Load): Promise<void> {
    const { identify, clock } = this.#options;
    const now = clock.now();
    const records = quarantined(load, identify, now);
    await this.#sendInTurn(records, this.#keepOrSpool(records));
  }

  /** Null where the records went to the spool. */
  async #keepOrSpool(records: readonly Quarantined[]): Promise<StoredPlace[] | null> {
    const { stores, spool, signal } = this.#options;
    if (!spool) return stores.keep(records, 'forever', signal);
    if (!stores.areAway) {
      try {
        return await stores.keep(records, 'whileClosed', signal);
      } catch (error) {
        if (!isRetryable(error)) throw error;
      }
    }
    return this.#spool(records, spool);
  }

  /** Into the spool; where that refuses, whichever comes first: the spool or the stores. */
  async #spool(records: readonly Quarantined[], spool: NonNullable<QuarantineOptions['spool']>): Promise<StoredPlace[] | null> {
    const { clock, signal, spoolMsMax, onSpooled, onSpoolRefused, onRefusedKept } = this.#options;
    const startedMs = clock.monotonic();
    const encoded = records.map(encodeSpooled);
    const ended = new AbortController();
    const end = () => ended.abort();
    signal.addEventListener('abort', end);
    const stored = createDeferred<StoredPlace[]>();
    let isTrying = false;
    const refuse = (error: DataQuarantineError) => {
      onSpoolRefused(error);
      if (isTrying) return;
      isTrying = true;
      this.#refused += 1;
      void this.#storeMeanwhile(records, stored, ended.signal);
    };
    const spooled = retryForever(() => spool.append(encoded), { signal: ended.signal, onRetry: refuse });
    // A disk that hangs refuses nothing.
    const isLate = () => refuse(new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', `the spool did not answer within ${spoolMsMax} ms.`));
    const late = setTimeout(isLate, spoolMsMax);
    try {
      const places = await Promise.race([spooled.then(() => null), stored.promise]);
      if (!places) onSpooled(records.length, (clock.monotonic() - startedMs) / 1000);
      return places;
    } finally {
      clearTimeout(late);
      if (isTrying) this.#refused -= 1;
      if (isTrying && this.#refused === 0 && !signal.aborted) onRefusedKept();
      signal.removeEventListener('abort', end);
      // Whoever lost must not begin anew. What it has begun works on copies: the load's slab may be used again.
      end();
    }
  }

  async #storeMeanwhile(records: readonly Quarantined[], stored: Deferred<StoredPlace[]>, signal: AbortSignal): Promise<void> {
    try {
      stored.resolve(await this.#options.stores.keep(records, 'forever', signal));
    } catch (error) {
      stored.reject(error);
    }
  }

  /** Sends the letters of what was stored, behind those of earlier loads. */
  async #sendInTurn(records: readonly Quarantined[], kept: Promise<readonly StoredPlace[] | null>): Promise<void> {
    const turn = this.#lettersOut;
    const sent = kept.then(async (places) => {
      if (!places) return null;
      await turn;
      return this.#letters.send(records, places);
    });
    // What went to the spool gives its turn to the next, behind those before it.
    this.#lettersOut = Promise.allSettled([sent, turn]);
    await (await sent)?.acknowledged;
  }
}
