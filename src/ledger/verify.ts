import { hash } from 'node:crypto';
import type { Wire, WireRange, WireRecord } from '../drivers/kafka-wire/wire.ts';
import type { Database } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { hasCode } from '../lib/errors.ts';
import { type Payload, stretchesOf } from '../store/payload-stretches.ts';
import { createRecordId } from '../store/record-id.ts';
import { isSourceReference } from '../store/source-reference.ts';
import { Account, type Closing, type ClosingOptions, type LedgerCounts, type RowFinding, type UnaccountedRecord } from './account.ts';
import { type LedgerRow, pointersBefore, type RowCursor, withRows } from './rows.ts';
import { type FindSpooled, payloadMark, readSpooled } from './spooled.ts';

/** Where the account begins in every source partition: an offset, or the first record that is not older. */
export type VerifyFrom = { readonly offset: number } | { readonly timestampMs: number };

export interface VerifyOptions {
  readonly wire: Wire;
  /** Reads the source topics, and of their transactions what the service's consumer is given. Default: `wire`. */
  readonly sources?: Wire;
  readonly database: Database;
  /** Set to read every stored payload back and compare its hash. */
  readonly storage: ObjectStore | null;
  /** Where records may wait for database and object store (`spool.dir`). */
  readonly spoolDirs: readonly string[];
  readonly group: string;
  readonly sourceTopics: readonly string[];
  readonly validTopic: string;
  /** Set to look for the dead letter of every quarantined record. */
  readonly dlqTopic: string | null;
  /** Null: from the start of the log. */
  readonly from: VerifyFrom | null;
}

export interface VerifyReport {
  readonly counts: LedgerCounts;
  /** The first hundred of the unaccounted records. */
  readonly unaccounted: readonly UnaccountedRecord[];
  readonly disordered: Closing['disordered'];
  /** What a reader of the figures should know, in whole sentences. */
  readonly notes: readonly string[];
}

/** All that is settled before the first record is read. */
interface Plan {
  readonly clusterId: string;
  readonly identify: ReturnType<typeof createRecordId>;
  /** The source partitions as far as they are committed and still there. */
  readonly ranges: readonly WireRange[];
  readonly outOfReach: number;
  readonly valid: readonly WireRange[];
  readonly compareTimestamps: boolean;
  readonly notes: readonly string[];
}

const namesMax = 100;
const payloadReadsMax = 16;
const stretchBytesMax = 1024 * 1024;

/**
 * Recomputes what became of every source record before the committed offsets, from the topics and the tables alone, with a client
 * that shares no code with the engine's. The committed offsets are read first: whatever they cover was durable by then, so it must
 * be found in what is read later, even while the engine goes on.
 *
 * What it cannot see: a record whose equal (key, value, headers and timestamp) outside the range has a copy passes on that copy; a
 * null header value passes for an empty one; a keyless record may have got any key.
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const plan = await planOf(options);
  const spooled = await readSpooled({
    dirs: options.spoolDirs,
    clusterId: plan.clusterId,
    group: options.group,
    identify: (topic, partition, offset) => (options.sourceTopics.includes(topic) ? plan.identify(topic, partition, offset) : null),
  });
  // What the spool holds no longer has its letter by now: the ends are asked for behind it.
  const deadLetters = options.dlqTopic === null ? [] : await wholeTopic(options.wire, options.dlqTopic);
  const lettersTrimmed = deadLetters.some((range) => range.from > 0);
  const account = new Account({ compareTimestamps: plan.compareTimestamps });
  for (const range of plan.ranges) await addSources(account, range, { ...plan, spooled }, options);
  const heads = await addCopies(account, plan.valid, options.wire);
  for (const range of deadLetters) {
    await options.wire.readWhole(range, (records) => {
      for (const { headers } of records) account.addDeadLetter(headers);
    });
  }
  const { counts, unaccounted, disordered } = account.close({
    namesMax,
    deadLetters: options.dlqTopic !== null && !lettersTrimmed,
    outOfReach: plan.outOfReach,
    retired: retirement(heads),
  });
  const trimNotes = lettersTrimmed ? [`Retention took records of ${options.dlqTopic}, so dead letters were not looked for.`] : [];
  return { counts, unaccounted, disordered, notes: [...plan.notes, ...trimNotes] };
}

async function planOf({ wire, sources = wire, database, group, sourceTopics, validTopic, dlqTopic, from }: VerifyOptions): Promise<Plan> {
  const cluster = await wire.cluster([...sourceTopics, validTopic, ...(dlqTopic === null ? [] : [dlqTopic])]);
  const committed = await wire.committed(group, sourceTopics);
  const notes: string[] = [];
  const ranges: WireRange[] = [];
  let outOfReach = 0;
  for (const topic of sourceTopics) {
    const offsets = committed.get(topic) ?? [];
    if (offsets.every((offset) => offset === null)) notes.push(`Group ${group} has committed nothing in ${topic}.`);
    const [starts, ends] = [await sources.starts(topic), await sources.ends(topic)];
    const wanted = await firstOffsets(sources, topic, from);
    for (const [partition, offsetNext] of offsets.entries()) {
      if (offsetNext === null) continue;
      const [first, start, end] = [wanted[partition] ?? 0, starts[partition] ?? 0, ends[partition] ?? 0];
      if (offsetNext > end)
        notes.push(`${topic}/${partition} ends at ${end}, before the committed offset ${offsetNext}: its log was cut or made anew.`);
      const pointers = start > 0 ? await pointersBefore(database, { topic, partition }, start) : 0;
      if (pointers > 0) notes.push(`${pointers} payloads that a flood left in ${topic}/${partition} are gone by its retention.`);
      outOfReach += Math.max(0, Math.min(start, offsetNext) - first) + Math.max(0, offsetNext - Math.max(end, first));
      ranges.push({ topic, partition, from: Math.max(first, start), to: Math.min(offsetNext, end) });
    }
  }
  const settings = (await wire.topicSettings([validTopic])).get(validTopic);
  if (settings?.compacted) notes.push(`${validTopic} is compacted: copies that compaction took count as unaccounted.`);
  if (settings?.logAppendTime) notes.push(`${validTopic} has timestamps of its own, so none were compared.`);
  return {
    clusterId: cluster.clusterId,
    identify: createRecordId(cluster),
    ranges,
    outOfReach,
    valid: await wholeTopic(wire, validTopic),
    compareTimestamps: !settings?.logAppendTime,
    notes,
  };
}

async function firstOffsets(wire: Wire, topic: string, from: VerifyFrom | null): Promise<number[]> {
  if (from !== null && 'timestampMs' in from) return wire.since(topic, from.timestampMs);
  return (await wire.starts(topic)).map(() => from?.offset ?? 0);
}

/** Every partition of `topic` as it is now. */
async function wholeTopic(wire: Wire, topic: string): Promise<WireRange[]> {
  const [starts, ends] = [await wire.starts(topic), await wire.ends(topic)];
  return ends.map((to, partition) => ({ topic, partition, from: starts[partition] ?? 0, to }));
}

interface Known {
  readonly identify: Plan['identify'];
  readonly spooled: FindSpooled;
}

async function addSources(account: Account, range: WireRange, { identify, spooled }: Known, options: VerifyOptions): Promise<void> {
  const { topic, partition } = range;
  account.startPartition(topic, partition);
  if (range.from >= range.to) return;
  await withRows(options.database, range, (cursor) =>
    (options.sources ?? options.wire).readWhole(range, async (records) => {
      const rows = await rowsOf(records, cursor, ({ id, offset }) => id === identify(topic, partition, offset));
      const lost = options.storage ? await lostPayloads([...rows.values()], options.storage) : noneLost;
      for (const record of records) {
        // What is being drained may have its row already and its dead letter not yet: the spool is asked first.
        const mark = spooled(topic, partition, record.offset);
        account.addSource(record, mark === null ? findingOf(record, rows.get(record.offset), lost) : spoolFinding(record, mark));
      }
    }),
  );
}

/** The rows of these records by offset. A row of an earlier topic of the same name has another id, and is not one of them. */
async function rowsOf(
  records: readonly WireRecord[],
  cursor: RowCursor,
  isOurs: (row: LedgerRow) => boolean,
): Promise<Map<number, LedgerRow>> {
  const rows = await cursor.upTo(records.at(-1)?.offset ?? -1);
  return new Map(rows.filter(isOurs).map((row) => [row.offset, row]));
}

const noneLost: ReadonlySet<LedgerRow> = new Set();
const noBytes = Buffer.alloc(0);

function spoolFinding({ value }: WireRecord, mark: number): RowFinding {
  return payloadMark(sha256(value ?? noBytes)) === mark ? 'spooled' : 'payload_differs';
}

function findingOf({ value }: WireRecord, row: LedgerRow | undefined, lost: ReadonlySet<LedgerRow>): RowFinding {
  if (!row) return 'none';
  if (!sha256(value ?? noBytes).equals(row.payloadSha256)) return 'payload_differs';
  return lost.has(row) ? 'payload_lost' : 'kept';
}

/**
 * The rows whose stored payload is not there or has another hash. Erased payloads are gone on purpose; one that was left in the source is
 * the very record whose hash is compared with the row's.
 */
async function lostPayloads(rows: readonly LedgerRow[], storage: ObjectStore): Promise<ReadonlySet<LedgerRow>> {
  const lost = new Set<LedgerRow>();
  const stretches = stretchesOf(
    rows.filter(({ erased, storagePath }) => !erased && !isSourceReference(storagePath)),
    stretchBytesMax,
  );
  for (let first = 0; first < stretches.length; first += payloadReadsMax) {
    const some = stretches.slice(first, first + payloadReadsMax);
    await Promise.all(some.map(async (stretch) => (await lostIn(stretch, storage)).forEach((row) => lost.add(row))));
  }
  return lost;
}

/** Which of a stretch are lost. Where it cannot be read in one piece, each is asked for alone. */
async function lostIn(stretch: readonly Payload<LedgerRow>[], storage: ObjectStore): Promise<LedgerRow[]> {
  const [head, last] = [stretch[0], stretch.at(-1)];
  if (!head || !last) return [];
  try {
    const bytes = await storage.read(head.key, head.offset, last.offset + last.length - head.offset);
    const isSound = ({ offset, length, row }: Payload<LedgerRow>) =>
      sha256(bytes.subarray(offset - head.offset, offset - head.offset + length)).equals(row.payloadSha256);
    return stretch.filter((payload) => !isSound(payload)).map(({ row }) => row);
  } catch (error) {
    if (!hasCode(error, 'DQ_STORAGE_CORRUPT')) throw error;
    if (stretch.length === 1) return [head.row];
    return (await Promise.all(stretch.map((payload) => lostIn([payload], storage)))).flat();
  }
}

/** What remains of one partition of the valid topic after retention took its head. */
interface TrimmedHead {
  readonly partition: number;
  /** Timestamp of the first record that is left, infinite where none is. */
  readonly timestamp: number;
}

interface Heads {
  readonly partitions: number;
  readonly trimmed: readonly TrimmedHead[];
}

async function addCopies(account: Account, ranges: readonly WireRange[], wire: Wire): Promise<Heads> {
  const trimmed: TrimmedHead[] = [];
  for (const range of ranges) {
    let head: number | null = null;
    await wire.readWhole(range, (records) => {
      head ??= records[0]?.timestamp ?? null;
      for (const record of records) account.addCopy(record, range.partition);
    });
    if (range.from > 0) trimmed.push({ partition: range.partition, timestamp: head ?? Number.POSITIVE_INFINITY });
  }
  return { partitions: ranges.length, trimmed };
}

/**
 * Retention takes the oldest records of a partition, so an unmatched record may have had its copy there if it is older than the
 * first that is left. The copies of a source partition lie in one target partition, save those that got their key from their schema.
 */
function retirement({ partitions, trimmed }: Heads): ClosingOptions['retired'] {
  return ({ partition, keyed, timestamp }) =>
    trimmed.some((head) => (!keyed || head.partition === partition % partitions) && timestamp < head.timestamp);
}

function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
