import { hash, randomUUID } from 'node:crypto';
import type { DatabaseClient } from '../../drivers/postgres/database.ts';
import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import type { EditableRow, EditStore, NewEdit } from '../../store/edits.ts';
import { encodeSegment, type Frame, formatStoragePath, segmentKey } from '../../store/segment.ts';

/** A value that takes the place of a record's when that is replayed. */
export interface Edited {
  readonly row: EditableRow;
  readonly frame: Frame;
  readonly value: Buffer;
  readonly schema: { readonly name: string; readonly version: string } | null;
}

export interface KeepEditsOptions {
  readonly storage: ObjectStore;
  readonly store: EditStore;
  readonly by: string;
  /** How the change was given; null for a whole text. */
  readonly source: string | null;
  readonly nowMs: number;
  /** What else happens in the transaction: the entry in the audit log. The edits are by record id. */
  readonly also: (client: DatabaseClient, kept: ReadonlyMap<string, KeptEdit>) => Promise<void>;
}

export interface KeptEdit {
  readonly id: string;
  readonly payloadSha256: Buffer;
  /** Of the schema that takes it; null where there is none. */
  readonly schemaVersion: string | null;
  /** Of the record's row. */
  readonly version: number;
}

/**
 * Keeps edits of records of one topic or several: first the values in segments, with the keys, headers and timestamps of the originals,
 * then what points to them, in one transaction. A record that somebody has changed meanwhile has no entry in the answer, which is by record id.
 */
export async function keepEdits(
  edits: readonly Edited[],
  { storage, store, by, source, nowMs, also }: KeepEditsOptions,
): Promise<ReadonlyMap<string, KeptEdit>> {
  const byTopic = new Map<string, Edited[]>();
  for (const edit of edits) byTopic.set(edit.row.topic, [...(byTopic.get(edit.row.topic) ?? []), edit]);
  const fresh: NewEdit[] = [];
  for (const [topic, ofTopic] of byTopic) {
    const key = segmentKey(topic, nowMs);
    const { bytes, places } = encodeSegment(ofTopic.map(({ frame, value }) => ({ ...frame, value })));
    await storage.put(key, bytes);
    for (const [index, { row, value, schema }] of ofTopic.entries())
      fresh.push({
        id: randomUUID(),
        recordId: row.id,
        recordVersion: row.version,
        by,
        change: source,
        storagePath: formatStoragePath(key, places[index] as { offset: number; length: number }),
        payloadBytes: value.length,
        payloadSha256: hash('sha256', value, 'buffer'),
        schema,
      });
  }
  const keptOf = (versions: ReadonlyMap<string, number>) =>
    new Map(
      fresh.flatMap(({ id, recordId, payloadSha256, schema }): [string, KeptEdit][] => {
        const version = versions.get(recordId);
        return version === undefined ? [] : [[recordId, { id, payloadSha256, schemaVersion: schema?.version ?? null, version }]];
      }),
    );
  if (fresh.length === 0) return new Map();
  return keptOf(await store.keep(fresh, (client, versions) => also(client, keptOf(versions))));
}
