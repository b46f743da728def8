import type { Database } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { hasCode } from '../lib/errors.ts';
import { type Payload, stretchesOf } from '../store/payload-stretches.ts';
import { readSourceLog, type SourceLog } from '../store/source-log.ts';
import { isSourceReference } from '../store/source-reference.ts';

/** A record that waits in quarantine, as a trial needs it. */
export interface OpenRecord {
  readonly id: string;
  readonly value: Buffer;
}

interface Row {
  readonly id: string;
  readonly storagePath: string;
  readonly payloadSha256: Buffer;
}

export interface OpenRecordsFrom {
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly wire: SourceLog;
}

const pageRows = 10_000;
const stretchBytesMax = 8 * 2 ** 20;
const readsMax = 8;

/**
 * Gives `take` the records of a schema that are still open in quarantine, the newest first by pages, `recordsMax` at most. Returns how many
 * payloads could not be read: theirs is a matter for `dq verify --payloads`.
 */
export async function readOpenRecords(
  { database, storage, wire }: OpenRecordsFrom,
  { schema, recordsMax }: { schema: string; recordsMax: number },
  take: (record: OpenRecord) => Promise<void>,
): Promise<number> {
  let unreadable = 0;
  await database.withClient(async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query(
      `DECLARE open_records NO SCROLL CURSOR FOR
         SELECT id, storage_path AS "storagePath", payload_sha256 AS "payloadSha256" FROM quarantine_records
         WHERE schema_name = $1 AND status IN ('quarantined', 'in_review') ORDER BY quarantined_at DESC LIMIT $2`,
      [schema, recordsMax],
    );
    for (;;) {
      const { rows } = await client.query<Row>(`FETCH ${pageRows} FROM open_records`);
      if (rows.length === 0) break;
      const isLeft = ({ storagePath }: Row) => isSourceReference(storagePath);
      unreadable += await readSourceLog(wire, rows.filter(isLeft), ({ id }, { value }) => take({ id, value }));
      const stretches = stretchesOf(
        rows.filter((row) => !isLeft(row)),
        stretchBytesMax,
      );
      for (let first = 0; first < stretches.length; first += readsMax) {
        const some = stretches.slice(first, first + readsMax);
        for (const { found, lost } of await Promise.all(some.map((stretch) => readStretch(stretch, storage)))) {
          unreadable += lost;
          for (const record of found) await take(record);
        }
      }
    }
    await client.query('COMMIT');
  });
  return unreadable;
}

/** Where a stretch cannot be read in one piece, each payload is asked for alone. */
async function readStretch(stretch: readonly Payload<Row>[], storage: ObjectStore): Promise<{ found: OpenRecord[]; lost: number }> {
  const [head, last] = [stretch[0], stretch.at(-1)];
  if (!head || !last) return { found: [], lost: 0 };
  try {
    const bytes = await storage.read(head.key, head.offset, last.offset + last.length - head.offset);
    const valueOf = ({ offset, length }: Payload<Row>) => bytes.subarray(offset - head.offset, offset - head.offset + length);
    return { found: stretch.map((payload) => ({ id: payload.row.id, value: valueOf(payload) })), lost: 0 };
  } catch (error) {
    if (!hasCode(error, 'DQ_STORAGE_CORRUPT')) throw error;
    if (stretch.length === 1) return { found: [], lost: 1 };
    const parts = await Promise.all(stretch.map((payload) => readStretch([payload], storage)));
    return { found: parts.flatMap(({ found }) => found), lost: parts.reduce((sum, { lost }) => sum + lost, 0) };
  }
}
