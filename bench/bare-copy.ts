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

/**
 * The yardstick of the quarantine: COPY and nothing else. The very rows that the engine wrote, in the very batches (one a segment),
 * encoded beforehand, go once more into a plain logged table without index, key or default, as fast as `connections` take them.
 */
export async function bareCopy(database: Database, connections: number): Promise<BareCopy> {
  const batches = await readBatches(database);
  const encoded = batches.map(encodeCopyRows);
  await run(database, `DROP TABLE IF EXISTS ${table}`);
  await run(database, `CREATE TABLE ${table} AS SELECT ${copyColumns} FROM quarantine_records WITH NO DATA`);
  let next = 0;
  const copyAll = () =>
    database.withClient(async (client) => {
      for (let bytes = encoded[next++]; bytes; bytes = encoded[next++]) {
        await copyIn(client, { sql: `COPY ${table} (${copyColumns}) FROM STDIN (FORMAT binary)`, bytes, msMax: copyMsMax });
      }
    });
  await Promise.all(Array.from({ length: connections }, () => run(database, 'SELECT 1')));
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, copyAll));
  const seconds = (performance.now() - startedMs) / 1_000;
  const rows = batches.reduce((sum, batch) => sum + batch.length, 0);
  return { rows, batches: batches.length, rowsPerSecond: rows / seconds };
}

async function run(database: Database, sql: string): Promise<void> {
  await database.withClient((client) => client.query(sql));
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
      headers: [],
      packedHeaders: Buffer.alloc(0),
      fault: { ...row, outcome: 'invalid', engine: 'js' },
      payloadSha256: row.payload_sha256,
      quarantinedAt: row.quarantined_at.getTime(),
    },
  };
}
