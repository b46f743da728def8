import type { Wire, WireBounds, WireCluster, WireRecord } from '../../drivers/kafka-wire/wire.ts';
import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import type { Clock } from '../../lib/clock.ts';
import { DataQuarantineError, hasCode, isRetryable, messageOf } from '../../lib/errors.ts';
import type { DeadLetterFamily } from '../../model/dead-letter-family.ts';
import type { Log } from '../../observe/log.ts';
import type { ForeignStore, TopicIdentity } from '../../store/foreign-store.ts';
import { laySegments } from '../../store/lay-segments.ts';
import { recordId } from '../../store/record-id.ts';
import type { RecordStore } from '../../store/record-store.ts';
import type { ValueChecker } from '../../workers/value-checker.ts';
import { type DeadLetter, type ForeignRecord, foreignRecord, sourceOf } from './foreign-record.ts';

export interface IntakeOptions {
  /** The topics of dead letters. */
  readonly topics: readonly string[];
  readonly openWire: () => Promise<Wire>;
  readonly storage: Pick<ObjectStore, 'put'>;
  readonly records: Pick<RecordStore, 'insert'>;
  readonly foreign: ForeignStore;
  /** Says which schema a payload has. */
  readonly checker: Pick<ValueChecker, 'check'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTaken: (family: DeadLetterFamily, records: number) => void;
  /** Retention took so many offsets of a topic before they were read. */
  readonly onMissed: (topic: string, offsets: number) => void;
  /** How many dead letters of a topic are still to be read; null while another instance reads. */
  readonly onLag: (topic: string, messages: number | null) => void;
  /** A topic cannot be read for now, or can again: null. */
  readonly onTrouble: (topic: string, message: string | null) => void;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Of a partition: the next offset to read, null where nothing was read, and what its log has. */
interface Bounds extends WireBounds {
  readonly position: number | null;
}

const pollMs = 1_000;
const troubleMs = 5_000;
/** What is kept at once, and how much of a partition is read before the others have their turn. */
const keepRecordsMax = 1_000;
const turnRecordsMax = 10_000;

/**
 * Reads topics of dead letters that other systems wrote, from their beginning, and keeps every message as a record: segment object, then
 * row, then position, so that whatever was not kept is read again. A record's id is made of the dead letter's own place, so what is read
 * again adds nothing. Positions lie in the database: no group is joined, and nothing is written to the cluster. Of several instances one reads.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #wire: Wire | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Runs until the signal. Whatever fails is tried again: nothing here may end the service. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, foreign, topics, log } = this.#options;
    while (!signal.aborted) {
      let waitMs = pollMs;
      try {
        const isOurs = await foreign.alone(async () => {
          for (const topic of topics) {
            const isDone = await this.#takeTopic(topic, signal);
            if (!isDone) waitMs = 0;
          }
          return true;
        });
        // What this instance said of the topics while it read is another one's to say now.
        if (!isOurs) for (const topic of topics) this.#forget(topic);
      } catch (error) {
        if (signal.aborted) break;
        log.warn({ err: error }, 'the intake of dead letters failed and is tried again');
        waitMs = troubleMs;
      }
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    }
    await this.close();
  }

  #forget(topic: string): void {
    this.#options.onTrouble(topic, null);
    this.#options.onLag(topic, null);
  }

  /** One turn of a topic; false if there is more of it. A topic in trouble does not keep the others from their turn. */
  async #takeTopic(topic: string, signal: AbortSignal): Promise<boolean> {
    const failures: unknown[] = [];
    let isDone = true;
    try {
      isDone = await this.#takePartitions(topic, failures, signal);
    } catch (error) {
      failures.push(error);
    }
    if (!signal.aborted) this.#options.onTrouble(topic, failures.length > 0 ? [...new Set(failures.map(messageOf))].join('; ') : null);
    // Whatever was wrong with the connections, the next ones are new.
    if (failures.some(isRetryable)) await this.close();
    return failures.length > 0 || isDone;
  }

  /** One turn of each partition; false if there is more of one. What fails in one is put to `failures`, and the others have their turn. */
  async #takePartitions(topic: string, failures: unknown[], signal: AbortSignal): Promise<boolean> {
    const { openWire, foreign, onLag } = this.#options;
    this.#wire ??= await openWire();
    const wire = this.#wire;
    const cluster = await wire.cluster([topic]);
    const identity = identityOf(cluster, topic);
    // Before the ends: no position is taken for one behind them because another instance read on meanwhile.
    const positions = await foreign.positions(identity);
    const { bounds: known, failure } = await wire.bounds(topic);
    if (failure !== null) failures.push(failure);
    let left = 0;
    for (const [partition, found] of known.entries()) {
      if (signal.aborted) break;
      // Nobody leads it, or its leader does not answer.
      if (found === null) continue;
      const { end } = found;
      const bounds = { position: positions.get(partition) ?? null, ...found };
      const from = firstOf(bounds);
      const to = Math.min(end, from + turnRecordsMax);
      try {
        await this.#mendPosition({ topic, partition }, bounds, identity);
        if (from < to) await this.#takeRange({ topic, partition, from, to }, { wire, identity, signal });
        left += end - to;
      } catch (error) {
        failures.push(error);
        left += end - from;
      }
    }
    if (failure === null) onLag(topic, left);
    return left === 0;
  }

  /** A position that the log does not have is told, and moved to the log's start. */
  async #mendPosition({ topic, partition }: Place, { position, start, end }: Bounds, identity: TopicIdentity): Promise<void> {
    const { foreign, log, onMissed } = this.#options;
    if (position === null || (start <= position && position <= end)) return;
    if (position > end) {
      const message = `${topic}/${partition} was cut: it ends at offset ${end}, and was read up to ${position} before`;
      log.error({ topic, partition }, `${message}; read again from ${start} on`);
      await foreign.setBack(identity, partition, start);
      return;
    }
    const missed = start - position;
    const message = `retention took ${missed} offsets of ${topic}/${partition}, from ${position} on, before they were read`;
    log.error({ topic, partition, missed }, message);
    onMissed(topic, missed);
    await foreign.advance(identity, partition, start);
  }

  async #takeRange(
    range: { topic: string; partition: number; from: number; to: number },
    { wire, identity, signal }: { wire: Wire; identity: TopicIdentity; signal: AbortSignal },
  ): Promise<void> {
    const { topic, partition } = range;
    const { foreign } = this.#options;
    const reached = await wire.read(range, async (records) => {
      for (let at = 0; at < records.length; at += keepRecordsMax) {
        // What is left is read again by the next run.
        if (signal.aborted) throw new DataQuarantineError('DQ_KAFKA_UNREACHABLE', 'the intake was asked to end');
        const some = records.slice(at, at + keepRecordsMax);
        await this.#take({ topic, partition }, some, identity);
        await foreign.advance(identity, partition, (some.at(-1) as WireRecord).offset + 1);
      }
    });
    // Behind the last record there may be markers of transactions, and gaps that compaction left.
    await foreign.advance(identity, partition, reached);
  }

  async #take(place: Place, records: readonly WireRecord[], identity: TopicIdentity): Promise<void> {
    const { checker, clock, onTaken } = this.#options;
    const letters = records.map((record): DeadLetter => ({ ...place, record }));
    const judged = await checker.check(
      letters.map((letter) => {
        const { key, headers, value } = letter.record;
        return { topic: sourceOf(letter).topic, key, headers, value: value ?? Buffer.alloc(0) };
      }),
    );
    const nowMs = clock.now();
    const taken = letters.map((letter, index) => {
      const id = recordId({ ...identity, partition: place.partition, offset: letter.record.offset });
      return foreignRecord(letter, { id, schema: judged[index]?.schema ?? null, nowMs });
    });
    await this.#keep(taken);
    for (const [family, count] of countsByFamily(taken)) onTaken(family, count);
  }

  /** All together, or in halves where one of them is stored with another payload already: that one is left as it was. */
  async #keep(taken: readonly ForeignRecord[]): Promise<void> {
    const { storage, foreign, records, clock, log } = this.#options;
    const { segments, paths } = laySegments(
      taken.map(({ record }) => record),
      clock.now(),
    );
    for (const { key, bytes } of segments) await storage.put(key, bytes);
    // First what says that it is foreign: nobody may take it for a record of our own sources.
    await foreign.insert(taken.map((one) => one.foreign));
    try {
      await records.insert(taken.map(({ record }, index) => ({ record, storagePath: paths[index] as string })));
    } catch (error) {
      if (!hasCode(error, 'DQ_RECORD_CONFLICT')) throw error;
      if (taken.length === 1) {
        log.error({ code: error.code }, `${error.message}; the dead letter is left where it is, the others go on`);
        return;
      }
      const middle = taken.length >>> 1;
      await this.#keep(taken.slice(0, middle));
      await this.#keep(taken.slice(middle));
    }
  }

  async close(): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    await wire?.close().catch(() => {});
  }
}

function identityOf({ clusterId, topics }: WireCluster, topic: string): TopicIdentity {
  return { clusterId, topicId: topics.get(topic)?.topicId ?? '' };
}

/** Where a turn begins: at the position, unless the log does not have that any more. */
function firstOf({ position, start, end }: Bounds): number {
  return position === null || position > end ? start : Math.max(position, start);
}

function countsByFamily(taken: readonly ForeignRecord[]): Map<DeadLetterFamily, number> {
  const counts = new Map<DeadLetterFamily, number>();
  for (const { foreign } of taken) counts.set(foreign.family, (counts.get(foreign.family) ?? 0) + 1);
  return counts;
}
