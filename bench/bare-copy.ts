import { copyIn, type Database } from '../src/drivers/postgres/database.ts';
import type { ErrorType, Fault } from '../src/model/verdict.ts';
import { copyColumns, encodeCopyRows, type StoredRow } from '../src/store/copy-rows.ts';

/** Rows written, and how fast. */
export interface BareCopy {
  readonly rows: number;
  readonly batches: number;
  readonly rowsPerSecond: number;
}

const table = 'bare_copy';
const copyMsMax = 60_000;

/** Into a table of the same columns and nothing else, or into one with the keys, checks and indexes of the real one. */
export type BareTable = 'plain' | 'indexed';

const createTable: Readonly<Record<BareTable, string>> = {
  plain: `CREATE TABLE ${table} AS SELECT ${copyColumns} FROM quarantine_records WITH NO DATA`,
  indexed: `CREATE TABLE ${table} (LIKE quarantine_records INCLUDING ALL)`,
};

/**
 * The yardstick of the quarantine: COPY and nothing else. The very rows that the engine wrote, in the very batches (one a segment),
 * encoded beforehand, go once more into a logged table, one batch after the other over one connection.
 */
export async function bareCopy(database: Database, into: BareTable): Promise<BareCopy> {
  const batches = await readBatches(database);
  const encoded = batches.map(encodeCopyRows);
  const seconds = await database.withClient(async (client) => {
    await client.query(`DROP TABLE IF EXISTS ${table}`);
    await client.query(createTable[into]);
    const startedMs = performance.now();
    for (const bytes of encoded) {
      await copyIn(client, { sql: `COPY ${table} (${copyColumns}) FROM STDIN (FORMAT binary)`, bytes, msMax: copyMsMax });
    }
    return (performance.now() - startedMs) / 1_000;
  });
  const rows = batches.reduce((sum, batch) => sum + batch.length, 0);
  return { rows, batches: batches.length, rowsPerSecond: rows / seconds };
}

interface KeptRow
  extends Pick<Fault, 'error_message' | 'field_path' | 'instance_path' | 'keyword' | 'fingerprint' | 'schema_name' | 'schema_version'> {
  readonly segment: string;
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: Date | null;
  readonly key: Buffer | null;
  readonly error_type: ErrorType;
  readonly storage_path: string;
  readonly payload_bytes: number;
  readonly payload_sha256: Buffer;
  readonly quarantined_at: Date;
}

async function readBatches(database: Database): Promise<StoredRow[][]> {
  const sql = `SELECT ${copyColumns}, split_part(storage_path, '#', 1) AS segment FROM quarantine_records ORDER BY segment, id`;
  const { rows } = await database.withClient((client) => client.query<KeptRow>(sql));
  const batches = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const batch = batches.get(row.segment);
    if (batch) batch.push(storedRow(row));
    else batches.set(row.segment, [storedRow(row)]);
  }
  return [...batches.values()];
}

function storedRow(row: KeptRow): StoredRow {
  return {
    storagePath: row.storage_path,
    record: {
      id: row.id,
      topic: row.topic,
      partition: row.partition,
      offset: Number(row.offset),
      timestamp: row.timestamp?.getTime() ?? -1,
      key: row.key,
      value: Buffer.alloc(row.payload_bytes),
      packedHeaders: Buffer.alloc(0),
      fault: { ...row, outcome: 'invalid', engine: 'js' },
      payloadSha256: row.payload_sha256,
      quarantinedAt: row.quarantined_at.getTime(),
    },
  };
}
