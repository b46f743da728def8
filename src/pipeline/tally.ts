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
  const passed = new Map<number, number>();
  for (let row = 0; row < slab.count; row++) {
    if (bad.has(row)) continue;
    const schema = slab.answers[row] === answer.tombstone ? -1 : (slab.schemas[row] as number);
    const key = (slab.topic(row) + 1) * schemasMax + schema;
    passed.set(key, (passed.get(key) ?? 0) + 1);
  }
  for (const [key, count] of passed) {
    const topic = topics[Math.floor((key + 1) / schemasMax) - 1] as string;
    const number = ((key + 1) % schemasMax) - 1;
    const schema = metrics.schemaLabel(schemaName(number));
    metrics.recordsProcessed.inc({ topic, schema }, count);
    if (number < 0) metrics.recordsTombstone.inc({ topic }, count);
    else metrics.recordsValid.inc({ topic, schema }, count);
  }
  for (const { row, fault } of rejects) {
    const topic = topics[slab.topic(row)] as string;
    const schema = metrics.schemaLabel(fault.schema_name);
    metrics.recordsProcessed.inc({ topic, schema });
    metrics.recordsInvalid.inc({ topic, schema, error_type: fault.error_type });
  }
  metrics.batches.inc();
  // The first row is the oldest of its partition, and near enough the oldest of the batch.
  metrics.endToEnd.observe(Math.max(0, nowMs - slab.timestamp(0)) / 1000);
}
