import type { Publication, Publisher, Refusal } from '../../drivers/kafka/lane.ts';
import { ByteWriter } from '../../lib/byte-writer.ts';
import type { Batch } from '../../model/batch.ts';
import type { Mended } from '../../model/delivery.ts';
import { packed } from '../../model/header.ts';
import { Slab } from '../../model/slab.ts';
import { copyHeaders } from './copy-headers.ts';

/** What a mended message says of itself; of the source's headers, these are replaced. */
const ourNames: readonly Buffer[] = [
  'dq.remediated',
  'dq.original.topic',
  'dq.original.partition',
  'dq.original.offset',
  'dq.original.timestamp',
  'dq.payload.ref',
].map((name) => Buffer.from(name));

interface Mending {
  readonly batch: Batch;
  readonly mended: ReadonlyMap<number, Mended>;
  /** Where the messages as they came are kept, by row, where they are. */
  readonly originals: ReadonlyMap<number, string>;
}

/** A part of a publication, and for each of its rows the row in the batch. */
interface Part {
  readonly publication: Publication;
  readonly sources: Int32Array;
}

/**
 * Publishes rows of a batch, some of them with another value: those are rows of a slab of their own, and the publication is cut where the
 * slab changes. Parts are handed over in order and at once, so the order of the source is kept.
 */
export async function publishMended(publisher: Publisher, whole: Publication, mending: Mending): Promise<readonly Refusal[]> {
  const slab = mendedSlab(whole, mending);
  const settled = partsOf(whole, slab, mending).map(async ({ publication, sources }) => {
    const rowOf = new Map(Array.from(publication.rows, (row, at) => [row, sources[at] as number]));
    return (await publisher.publish(publication)).map((refusal) => ({ ...refusal, row: rowOf.get(refusal.row) as number }));
  });
  return (await Promise.all(settled)).flat();
}

function partsOf({ topic, slab, rows, partitions, keys }: Publication, other: Slab, { mended }: Mending): readonly Part[] {
  const parts: Part[] = [];
  let written = 0;
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const isMended = mended.has(rows[from] as number);
    while (to < rows.length && mended.has(rows[to] as number) === isMended) to += 1;
    const sources = rows.subarray(from, to);
    const first = written;
    if (isMended) written += sources.length;
    const publication = isMended ? { slab: other, rows: sources.map((_, at) => first + at), keys: noKeys } : { slab, rows: sources, keys };
    parts.push({ publication: { topic, partitions: partitions.subarray(from, to), ...publication }, sources });
  }
  return parts;
}

const noKeys: ReadonlyMap<number, Uint8Array> = new Map();

/** The mended messages among the rows, in their order, with keys and headers as they are sent. */
function mendedSlab({ rows, keys }: Publication, { batch, mended, originals }: Mending): Slab {
  const { slab, topics } = batch;
  const messages = [...rows].flatMap((row) => {
    const message = mended.get(row);
    if (!message) return [];
    const original = originals.get(row);
    const headers = packed(
      [
        ['dq.remediated', message.rules.join(',')],
        ['dq.original.topic', topics[slab.topic(row)] as string],
        ['dq.original.partition', String(slab.partition(row))],
        ['dq.original.offset', String(slab.offset(row))],
        ['dq.original.timestamp', String(slab.timestamp(row))],
        ...(original === undefined ? [] : [['dq.payload.ref', original]]),
      ].map(([name, text]) => ({ name: name as string, value: Buffer.from(text as string) })),
    );
    const key = keys.get(row) ?? slab.key(row);
    return [{ row, value: message.value, key, headers, source: slab.packedHeaders(row) }];
  });
  const bytes = messages.reduce(
    (sum, { value, key, headers, source }) => sum + value.length + (key?.length ?? 0) + headers.length + source.length,
    0,
  );
  const other = Slab.allocate(messages.length, bytes);
  const writer = new ByteWriter(other.bytes, 0);
  for (const { row, value, key, headers, source } of messages) {
    writer.raw(value);
    if (key) writer.raw(key);
    const headersAt = writer.at;
    copyHeaders(writer, source, ourNames);
    writer.raw(headers);
    const lengths = { valueBytes: value.length, keyBytes: key ? key.length : -1, headersBytes: writer.at - headersAt };
    const place = { partition: slab.partition(row), topic: slab.topic(row), epoch: slab.epoch(row) };
    other.add({ offset: slab.offset(row), timestamp: slab.timestamp(row), ...place, ...lengths });
  }
  return other;
}
