import { hash } from 'node:crypto';
import { hasCode } from '../lib/errors.ts';
import type { Header } from '../model/header.ts';
import type { Stored } from './frame-reader.ts';
import { parseSourceReference, type SourcePlace } from './source-reference.ts';

/** A message as it lies in its source topic. The buffers are views: keep a copy, not the view. */
export interface SourceMessage {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

/** The source topics, as far as reading goes. */
export interface SourceLog {
  /** Throws `DQ_KAFKA_TOPIC_MISSING` where one of them is not there. */
  cluster(topics: readonly string[]): Promise<{ readonly topics: ReadonlyMap<string, { readonly partitions: number }> }>;
  /** Gives the offset that it reached. */
  read(
    range: { readonly topic: string; readonly partition: number; readonly from: number; readonly to: number },
    onBatch: (messages: readonly SourceMessage[]) => void | Promise<void>,
  ): Promise<number>;
}

/** Records that lie further apart are read by fetches of their own: less is read in vain. */
const gapMax = 5_000;
const noValue = Buffer.alloc(0);

/**
 * Reads payloads where a flood left them, in the order of offsets within a partition; every row has the storage path of such a one. Returns how
 * many are not there any more: by retention, or because topics were made anew.
 */
export async function readSourceLog<Row extends Stored>(
  log: SourceLog,
  rows: readonly Row[],
  take: (row: Row, message: SourceMessage & { readonly value: Buffer }) => void | Promise<void>,
): Promise<number> {
  const partitions = new Map<string, number>();
  let found = 0;
  for (const run of runsOf(rows)) {
    const { topic, partition, offset: from } = (run[0] as Placed<Row>).place;
    const inTopic = partitions.get(topic) ?? (await partitionsOf(log, topic));
    partitions.set(topic, inTopic);
    if (partition >= inTopic) continue;
    const wanted = new Map(run.map(({ row, place }) => [place.offset, row]));
    const to = (run.at(-1) as Placed<Row>).place.offset + 1;
    await log.read({ topic, partition, from, to }, async (messages) => {
      for (const message of messages) {
        const row = wanted.get(message.offset);
        const value = message.value ?? noValue;
        if (!row || !hash('sha256', value, 'buffer').equals(row.payloadSha256)) continue;
        found += 1;
        await take(row, { ...message, value });
      }
    });
  }
  return rows.length - found;
}

async function partitionsOf(log: SourceLog, topic: string): Promise<number> {
  try {
    return (await log.cluster([topic])).topics.get(topic)?.partitions ?? 0;
  } catch (error) {
    if (hasCode(error, 'DQ_KAFKA_TOPIC_MISSING')) return 0;
    throw error;
  }
}

interface Placed<Row> {
  readonly row: Row;
  readonly place: SourcePlace;
}

/** Rows of one partition that lie close together. */
function runsOf<Row extends Stored>(rows: readonly Row[]): Placed<Row>[][] {
  const sorted = rows
    .map((row) => ({ row, place: parseSourceReference(row.storagePath) }))
    .sort(({ place: a }, { place: b }) =>
      a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition || a.offset - b.offset,
    );
  const runs: Placed<Row>[][] = [];
  for (const one of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1)?.place;
    const { topic, partition, offset } = one.place;
    const follows = last?.topic === topic && last.partition === partition && offset - last.offset <= gapMax;
    if (run && follows) run.push(one);
    else runs.push([one]);
  }
  return runs;
}
