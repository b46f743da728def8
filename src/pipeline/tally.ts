import type { Batch } from '../model/batch.ts';
import type { Mended, Receipt, Reject } from '../model/delivery.ts';
import { answer } from '../model/slab.ts';
import type { Fault } from '../model/verdict.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Finds the name of a schema version by its number in the catalog, null for -1. */
export type SchemaName = (schema: number) => string | null;

/** Adds what was counted to the metrics; the number of messages. */
type Booking = () => number;

/** More schema versions than a catalog will ever hold. */
const schemasMax = 2 ** 20;

export interface TallyOptions {
  readonly schemaName: SchemaName;
  readonly metrics: Metrics;
}

/**
 * The ledger of the running service: what it took in, what it settled, and both by topic, schema and cause as metrics. Invariant: what
 * was taken in is settled or still open. Counts by topic, schema and cause are gathered first: a counter is touched once a batch.
 */
export class Tally {
  readonly #options: TallyOptions;
  #taken = 0;
  #settled = 0;

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** A batch was consumed. */
  take({ slab }: Batch): void {
    this.#taken += slab.count;
  }

  /** Counts a batch while its slab still holds it. What it gives books that, when every message of the batch is where it belongs. */
  count({ batch, rejects, mended }: Receipt): (nowMs: number) => void {
    const { metrics } = this.#options;
    // Rows that did not go on as they came.
    const apart = new Set(rejects.map(({ row }) => row));
    const bookings = [
      ...(mended ? [this.#countMended(batch, mended, apart)] : []),
      this.#countPassed(batch, apart),
      this.#countRejects(batch, rejects),
    ];
    // The first row is the oldest of its partition, and near enough the oldest of the batch.
    const oldestMs = batch.slab.timestamp(0);
    return (nowMs) => {
      for (const book of bookings) this.#settled += book();
      metrics.batches.inc();
      metrics.endToEnd.observe(Math.max(0, nowMs - oldestMs) / 1000);
    };
  }

  /** Shows how many messages are neither settled nor among the open ones: 0 unless this process has a bug. */
  balance(openMessages: number): number {
    const unaccounted = Math.abs(this.#taken - this.#settled - openMessages);
    this.#options.metrics.unaccountedRecords.set(unaccounted);
    return unaccounted;
  }

  #countPassed({ slab, topics }: Batch, apart: ReadonlySet<number>): Booking {
    const { schemaName, metrics } = this.#options;
    const passed = new Map<number, number>();
    const count = (key: number, messages: number) => passed.set(key, (passed.get(key) ?? 0) + messages);
    const keyOf = (row: number) =>
      (slab.topic(row) + 1) * schemasMax + (slab.answers[row] === answer.tombstone ? -1 : (slab.schemas[row] as number));
    let withheld = 0;
    // Rows come in stretches of one topic and schema. Those that are apart are few, and taken off afterwards.
    let [key, stretch] = [0, 0];
    for (let row = 0; row < slab.count; row++) {
      // It will be read and counted again, and this process holds it no more.
      if (slab.answers[row] === answer.withheld) {
        withheld += 1;
        continue;
      }
      const keyHere = keyOf(row);
      if (keyHere === key) stretch += 1;
      else {
        if (stretch > 0) count(key, stretch);
        [key, stretch] = [keyHere, 1];
      }
    }
    if (stretch > 0) count(key, stretch);
    for (const row of apart) count(keyOf(row), -1);
    return () => {
      let sum = withheld;
      for (const [passedKey, messages] of passed) {
        if (messages === 0) continue;
        const topic = topics[Math.floor((passedKey + 1) / schemasMax) - 1] as string;
        const number = ((passedKey + 1) % schemasMax) - 1;
        const schema = metrics.schemaLabel(schemaName(number));
        metrics.recordsProcessed.inc({ topic, schema }, messages);
        if (number < 0) metrics.recordsTombstone.inc({ topic }, messages);
        else metrics.recordsValid.inc({ topic, schema }, messages);
        sum += messages;
      }
      return sum;
    };
  }

  /** Those that are not apart yet because the topic refused them; then they are apart, too. */
  #countMended({ slab, topics }: Batch, mended: ReadonlyMap<number, Mended>, apart: Set<number>): Booking {
    const { schemaName, metrics } = this.#options;
    const went: { readonly topic: string; readonly schema: string; readonly rules: readonly string[] }[] = [];
    for (const [row, { rules }] of mended) {
      if (apart.has(row)) continue;
      apart.add(row);
      const schema = metrics.schemaLabel(schemaName(slab.schemas[row] as number));
      went.push({ topic: topics[slab.topic(row)] as string, schema, rules });
    }
    return () => {
      for (const { topic, schema, rules } of went) {
        metrics.recordsProcessed.inc({ topic, schema });
        metrics.recordsRemediated.inc();
        for (const rule of rules) metrics.remediations.inc({ schema, rule });
      }
      return went.length;
    };
  }

  #countRejects({ slab, topics }: Batch, rejects: readonly Reject[]): Booking {
    const { metrics } = this.#options;
    const sum = rejects.length;
    const counts = topics.map(() => new Map<Fault, number>());
    for (const { row, fault } of rejects) {
      const ofTopic = counts[slab.topic(row)] as Map<Fault, number>;
      ofTopic.set(fault, (ofTopic.get(fault) ?? 0) + 1);
    }
    return () => {
      for (const [number, ofTopic] of counts.entries()) {
        const topic = topics[number] as string;
        for (const [{ schema_name, error_type }, count] of ofTopic) {
          const schema = metrics.schemaLabel(schema_name);
          metrics.recordsProcessed.inc({ topic, schema }, count);
          metrics.recordsInvalid.inc({ topic, schema, error_type }, count);
        }
      }
      return sum;
    };
  }
}
