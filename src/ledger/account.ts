import { assert } from '../lib/assert.ts';
import type { Header } from '../model/header.ts';
import { Digester, type LedgerRecord, leftOut } from './digest.ts';
import { DigestTable, grown } from './digest-table.ts';

/** What database and spool say of a source record: nothing, a row that fits it, what is wrong with the row, or that it waits for one. */
export type RowFinding = 'none' | 'kept' | 'payload_differs' | 'payload_lost' | 'spooled';

/** Why a record is unaccounted: it is nowhere, its row or stored payload does not fit it, or its dead letter is missing. */
export type UnaccountedReason = 'missing' | 'payload_differs' | 'payload_lost' | 'dead_letter_missing';

export interface UnaccountedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: UnaccountedReason;
}

/** A copy that lies in the valid topic behind the copy of a later record of its source partition. */
export interface DisorderedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The figures of `dq verify`, by the names that it prints. in = valid + quarantined + remediated + tombstones + spooled + unaccounted. */
export interface LedgerCounts {
  readonly in: number;
  readonly valid: number;
  readonly quarantined: number;
  readonly remediated: number;
  readonly tombstones: number;
  readonly spooled: number;
  readonly duplicates: number;
  readonly out_of_reach: number;
  readonly reclassified: number;
  readonly unaccounted: number;
}

export interface Closing {
  readonly counts: LedgerCounts;
  /** The first of them, in the order of topics, partitions and offsets. Among equal records, which is named is arbitrary. */
  readonly unaccounted: readonly UnaccountedRecord[];
  /** How many copies are out of order, and the first of them in the order of the valid topic. */
  readonly disordered: { readonly count: number; readonly first: readonly DisorderedRecord[] };
}

export interface ClosingOptions {
  readonly namesMax: number;
  /** Is a record without a dead letter unaccounted? */
  readonly deadLetters: boolean;
  /** Whether retention may have taken the copy of an unmatched record from the valid topic. */
  readonly retired: (record: { partition: number; keyed: boolean; timestamp: number }) => boolean;
  /** Source offsets that were gone before the account began. */
  readonly outOfReach: number;
}

/** What became of a source record, before the copies are counted. */
const state = { open: 0, kept: 1, remediated: 2, payloadDiffers: 3, payloadLost: 4, spooled: 5 } as const;
const stateOf = {
  none: state.open,
  kept: state.kept,
  payload_differs: state.payloadDiffers,
  payload_lost: state.payloadLost,
  spooled: state.spooled,
} as const;
const flag = { tombstone: 1, keyless: 2 } as const;
const lettered = 0x80;
/** More partitions than a topic can have. */
const partitionsMax = 2 ** 24;
const disorderedNamesMax = 100;

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
}

/**
 * The books of a verification: source records on one side, copies in the valid topic and rows on the other, matched as a multiset.
 * First every source record is added, in the order of offsets within its partition, then every copy; then the account is closed.
 *
 * Equal source records share an entry: how many of them still need a copy, and how many have a row, or wait for one, and need none. A copy fills a
 * need; beyond the need it shows that a quarantined record was also let through (reclassified); beyond that it is a duplicate.
 * A copy whose like was never added belongs to a record outside the range, or to another producer, and counts nowhere.
 * Within a target partition the first copies of one source partition must lie in source order, which is the order of every key.
 * Equal records are left out of that: nobody can say which copy is whose.
 * A keyless source record may have got its key from its schema, so its key is left out; librdkafka cannot keep a timestamp of 0
 * or less, so there the timestamp is left out. Limit: about 65 bytes a source record, up to 2^30 records.
 */
export class Account {
  readonly #digester = new Digester();
  readonly #entries = new DigestTable();
  readonly #without: number;
  readonly #partitions: Partition[] = [];
  /** Which kinds of digests were added. A copy is looked up by these alone, and by the more exact ones first. */
  #variants: readonly number[] = [];
  #need = new Int32Array(1024);
  #rowed = new Int32Array(1024);
  #flags = new Uint8Array(1024);
  /** The index of an entry's only record, -1 where several are equal. */
  #onlyOf = new Int32Array(1024);
  /** The last copy, by source and target partition. */
  readonly #lastIndex = new Map<number, number>();
  #disordered = 0;
  readonly #disorderedFirst: DisorderedRecord[] = [];
  #records = 0;
  #entryOf = new Int32Array(1024);
  #offsets = new Float64Array(1024);
  #timestamps = new Float64Array(1024);
  #states = new Uint8Array(1024);
  #valid = 0;
  #tombstones = 0;
  #duplicates = 0;
  #reclassified = 0;

  /** `compareTimestamps` is off where the valid topic puts its own time in the place of the source's. */
  constructor({ compareTimestamps }: { compareTimestamps: boolean }) {
    this.#without = compareTimestamps ? leftOut.nothing : leftOut.timestamp;
  }

  /** The records that are added from now on are of this partition. */
  startPartition(topic: string, partition: number): void {
    this.#partitions.push({ topic, partition, first: this.#records });
  }

  addSource(record: LedgerRecord & { readonly offset: number }, row: RowFinding): void {
    const keyless = record.key === null;
    const without = this.#without | (keyless ? leftOut.key : 0) | (record.timestamp <= 0 ? leftOut.timestamp : 0);
    if (!this.#variants.includes(without)) this.#variants = [...this.#variants, without].sort((a, b) => a - b);
    const entry = this.#entries.add(this.#digester.digest(record, without));
    this.#need = grown(this.#need, entry + 1);
    this.#rowed = grown(this.#rowed, entry + 1);
    this.#flags = grown(this.#flags, entry + 1);
    this.#flags[entry] = (record.value === null ? flag.tombstone : 0) | (keyless ? flag.keyless : 0);
    this.#onlyOf = grown(this.#onlyOf, entry + 1);
    const index = this.#records++;
    const isFirst = (this.#need[entry] as number) + (this.#rowed[entry] as number) === 0;
    this.#onlyOf[entry] = isFirst ? index : -1;
    bump(row === 'none' ? this.#need : this.#rowed, entry, 1);
    this.#entryOf = grown(this.#entryOf, this.#records);
    this.#offsets = grown(this.#offsets, this.#records);
    this.#timestamps = grown(this.#timestamps, this.#records);
    this.#states = grown(this.#states, this.#records);
    this.#entryOf[index] = entry;
    this.#offsets[index] = record.offset;
    this.#timestamps[index] = record.timestamp;
    this.#states[index] = stateOf[row];
  }

  /** A record of the valid topic, in the order of offsets within its partition. */
  addCopy(record: LedgerRecord, targetPartition: number): void {
    const likes: number[] = [];
    for (const without of this.#variants) {
      const entry = this.#entries.find(this.#digester.digest(record, without));
      if (entry < 0) continue;
      if (this.#fill(entry)) return this.#checkOrder(entry, targetPartition);
      likes.push(entry);
    }
    if (likes.length === 0) {
      if (record.headers.some(({ name }) => name === 'dq.remediated')) this.#addRemediated(record.headers);
    } else if (!record.headers.some(({ name }) => name === 'dq.replay.id')) {
      this.#addBeyondNeed(likes);
    }
  }

  /** A record of the dead letter topic. */
  addDeadLetter(headers: readonly Header[]): void {
    const index = this.#indexOf(headers);
    if (index >= 0) this.#states[index] = (this.#states[index] as number) | lettered;
  }

  close(options: ClosingOptions): Closing {
    const totals = { in: 0, quarantined: 0, remediated: 0, spooled: 0, outOfReach: options.outOfReach, unaccounted: 0 };
    const names: UnaccountedRecord[] = [];
    for (const [number, { topic, partition, first }] of this.#partitions.entries()) {
      const end = this.#partitions[number + 1]?.first ?? this.#records;
      for (let index = first; index < end; index++) {
        const outcome = this.#outcomeOf(index, partition, options);
        if (outcome === 'retired') {
          totals.outOfReach += 1;
          continue;
        }
        totals.in += 1;
        if (outcome === 'copied') continue;
        if (outcome === 'quarantined' || outcome === 'remediated' || outcome === 'spooled') {
          totals[outcome] += 1;
          continue;
        }
        totals.unaccounted += 1;
        if (names.length < options.namesMax) names.push({ topic, partition, offset: this.#offsets[index] as number, reason: outcome });
      }
    }
    const counts: LedgerCounts = {
      in: totals.in,
      valid: this.#valid,
      quarantined: totals.quarantined,
      remediated: totals.remediated,
      tombstones: this.#tombstones,
      spooled: totals.spooled,
      duplicates: this.#duplicates,
      out_of_reach: totals.outOfReach,
      reclassified: this.#reclassified,
      unaccounted: totals.unaccounted,
    };
    const { valid, quarantined, remediated, tombstones, spooled, unaccounted } = counts;
    assert(counts.in === valid + quarantined + remediated + tombstones + spooled + unaccounted, 'the two sides of the ledger differ');
    return { counts, unaccounted: names, disordered: { count: this.#disordered, first: this.#disorderedFirst } };
  }

  #fill(entry: number): boolean {
    if ((this.#need[entry] as number) === 0) return false;
    bump(this.#need, entry, -1);
    if (((this.#flags[entry] as number) & flag.tombstone) === 0) this.#valid += 1;
    else this.#tombstones += 1;
    return true;
  }

  #checkOrder(entry: number, targetPartition: number): void {
    const index = this.#onlyOf[entry] as number;
    if (index < 0) return;
    const source = this.#partitions.findLastIndex(({ first }) => first <= index);
    const lane = source * partitionsMax + targetPartition;
    if (index >= (this.#lastIndex.get(lane) ?? -1)) {
      this.#lastIndex.set(lane, index);
      return;
    }
    this.#disordered += 1;
    const { topic, partition } = this.#partitions[source] as Partition;
    if (this.#disorderedFirst.length < disorderedNamesMax)
      this.#disorderedFirst.push({ topic, partition, offset: this.#offsets[index] as number });
  }

  #addBeyondNeed(entries: readonly number[]): void {
    const rowed = entries.find((entry) => (this.#rowed[entry] as number) > 0);
    if (rowed === undefined) {
      this.#duplicates += 1;
    } else {
      bump(this.#rowed, rowed, -1);
      this.#reclassified += 1;
    }
  }

  /** A remediated copy is not like its source; its headers say which one that is. */
  #addRemediated(headers: readonly Header[]): void {
    const index = this.#indexOf(headers);
    if (index < 0) return;
    const entry = this.#entryOf[index] as number;
    if (this.#states[index] === state.open && (this.#need[entry] as number) > 0) {
      bump(this.#need, entry, -1);
      this.#states[index] = state.remediated;
    } else {
      this.#addBeyondNeed([entry]);
    }
  }

  /** The source record that the `dq.original.*` headers name, -1 where it was not added. */
  #indexOf(headers: readonly Header[]): number {
    const named = originalOf(headers);
    const number = this.#partitions.findIndex(({ topic, partition }) => topic === named.topic && partition === named.partition);
    let low = this.#partitions[number]?.first ?? 0;
    const end = number < 0 ? 0 : (this.#partitions[number + 1]?.first ?? this.#records);
    for (let high = end; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] as number) < named.offset) low = middle + 1;
      else high = middle;
    }
    return low < end && this.#offsets[low] === named.offset ? low : -1;
  }

  /** Needs that no copy filled fall on the first records of an entry: retention takes the oldest copies. */
  #outcomeOf(
    index: number,
    partition: number,
    options: ClosingOptions,
  ): 'copied' | 'retired' | 'quarantined' | 'remediated' | 'spooled' | UnaccountedReason {
    const found = this.#states[index] as number;
    const known = found & ~lettered;
    if (known === state.payloadDiffers) return 'payload_differs';
    if (known === state.payloadLost) return 'payload_lost';
    if (known === state.spooled) return 'spooled';
    if (known === state.remediated) return 'remediated';
    if (known === state.kept) return options.deadLetters && (found & lettered) === 0 ? 'dead_letter_missing' : 'quarantined';
    const entry = this.#entryOf[index] as number;
    if ((this.#need[entry] as number) === 0) return 'copied';
    bump(this.#need, entry, -1);
    const keyed = ((this.#flags[entry] as number) & flag.keyless) === 0;
    return options.retired({ partition, keyed, timestamp: this.#timestamps[index] as number }) ? 'retired' : 'missing';
  }
}

function bump(counts: Int32Array, at: number, by: number): void {
  counts[at] = (counts[at] as number) + by;
}

function originalOf(headers: readonly Header[]): { topic: string; partition: number; offset: number } {
  const text = (name: string) => headers.findLast((header) => header.name === name)?.value?.toString() ?? '';
  return {
    topic: text('dq.original.topic'),
    partition: Number(text('dq.original.partition') || -1),
    offset: Number(text('dq.original.offset') || -1),
  };
}
