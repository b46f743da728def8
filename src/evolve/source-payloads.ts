import { hash } from 'node:crypto';
import type { Wire, WireRecord } from '../drivers/kafka-wire/wire.ts';
import { hasCode } from '../lib/errors.ts';

/** A record whose payload a flood left in its source topic. */
export interface SourceRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly payloadSha256: Buffer;
}

/** Records that lie further apart are read by fetches of their own: less is read in vain. */
const gapMax = 5_000;
const noValue = Buffer.alloc(0);

/**
 * Reads payloads where they were left, in the order of offsets within a partition. Returns how many are not there any more: by retention, or
 * because topics were made anew.
 */
export async function readSourcePayloads(
  wire: Pick<Wire, 'read'>,
  rows: readonly SourceRow[],
  take: (row: SourceRow, value: Buffer) => Promise<void>,
): Promise<number> {
  let found = 0;
  for (const run of runsOf(rows)) {
    const { topic, partition, offset: from } = run[0] as SourceRow;
    const wanted = new Map(run.map((row) => [row.offset, row]));
    const onBatch = async (records: readonly WireRecord[]) => {
      for (const { offset, value } of records) {
        const row = wanted.get(offset);
        if (!row || !hash('sha256', value ?? noValue, 'buffer').equals(row.payloadSha256)) continue;
        found += 1;
        await take(row, value ?? noValue);
      }
    };
    try {
      await wire.read({ topic, partition, from, to: (run.at(-1) as SourceRow).offset + 1 }, onBatch);
    } catch (error) {
      if (!hasCode(error, 'DQ_KAFKA_TOPIC_MISSING')) throw error;
    }
  }
  return rows.length - found;
}

/** Rows of one partition that lie close together. */
function runsOf(rows: readonly SourceRow[]): SourceRow[][] {
  const sorted = [...rows].sort((a, b) =>
    a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition || a.offset - b.offset,
  );
  const runs: SourceRow[][] = [];
  for (const row of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const follows = last?.topic === row.topic && last.partition === row.partition && row.offset - last.offset <= gapMax;
    if (run && follows) run.push(row);
    else runs.push([row]);
  }
  return runs;
}
