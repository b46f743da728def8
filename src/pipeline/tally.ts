import type { Receipt } from '../model/delivery.ts';
import { answer } from '../model/slab.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Finds the name of a schema version by its number in the catalog, null for -1. */
export type SchemaName = (schema: number) => string | null;

/** More schema versions than a catalog will ever hold. */
const schemasMax = 2 ** 20;

/** Adds a settled batch to the counters. Counts by topic and schema are gathered first: a counter is touched once a batch. */
export function tally({ batch, rejects }: Receipt, schemaName: SchemaName, metrics: Metrics, nowMs: number): void {
  const { slab, topics } = batch;
  const bad = new Set(rejects.map(({ row }) => row));
  const counts = new Map<number, { topic: string; schema: string; processed: number; valid: number }>();
  const tombstones = new Map<string, number>();
  for (let row = 0; row < slab.count; row++) {
    const key = slab.topic(row) * schemasMax + (slab.schemas[row] as number);
    const topic = topics[slab.topic(row)] as string;
    let count = counts.get(key);
    if (!count) {
      count = { topic, schema: metrics.schemaLabel(schemaName(slab.schemas[row] as number)), processed: 0, valid: 0 };
      counts.set(key, count);
    }
    count.processed += 1;
    if (bad.has(row)) continue;
    if (slab.answers[row] === answer.tombstone) tombstones.set(topic, (tombstones.get(topic) ?? 0) + 1);
    else count.valid += 1;
  }
  for (const { topic, schema, processed, valid } of counts.values()) {
    metrics.recordsProcessed.inc({ topic, schema }, processed);
    if (valid > 0) metrics.recordsValid.inc({ topic, schema }, valid);
  }
  for (const [topic, count] of tombstones) metrics.recordsTombstone.inc({ topic }, count);
  for (const { row, fault } of rejects) {
    const topic = topics[slab.topic(row)] as string;
    metrics.recordsInvalid.inc({ topic, schema: metrics.schemaLabel(fault.schema_name), error_type: fault.error_type });
  }
  metrics.batches.inc();
  // The first row is the oldest of its partition, and near enough the oldest of the batch.
  metrics.endToEnd.observe(Math.max(0, nowMs - slab.timestamp(0)) / 1000);
}
