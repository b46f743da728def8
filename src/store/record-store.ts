import { copyIn, type Database, type DatabaseClient, sqlStateOf } from '../drivers/postgres/database.ts';
import { assert } from '../lib/assert.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import type { StoredPlace } from '../model/record.ts';
import { copyColumns, encodeCopyRows, type StoredRow } from './copy-rows.ts';

const copyMsMax = 30_000;
const uniqueViolation = '23505';

const copyStraight = `COPY quarantine_records (${copyColumns}) FROM STDIN (FORMAT binary)`;
// One table a connection: one a batch would bloat the catalogue.
const createStaging =
  `CREATE TEMP TABLE IF NOT EXISTS quarantine_staging ON COMMIT DELETE ROWS ` +
  `AS SELECT ${copyColumns} FROM quarantine_records WITH NO DATA`;
const copyStaging = `COPY quarantine_staging (${copyColumns}) FROM STDIN (FORMAT binary)`;
/** What it could insert leaves the staging table; the repeats stay. */
const insertNew =
  `WITH inserted AS (INSERT INTO quarantine_records (${copyColumns}) SELECT ${copyColumns} FROM quarantine_staging ` +
  'ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id) ' +
  'DELETE FROM quarantine_staging USING inserted WHERE quarantine_staging.id = inserted.id';
const readRepeats =
  'SELECT id, stored.storage_path, stored.fingerprint, stored.quarantined_at, ' +
  'stored.payload_sha256 = staged.payload_sha256 AS same_payload ' +
  'FROM quarantine_staging AS staged LEFT JOIN quarantine_records AS stored USING (id)';

/** All but the id is null where the row vanished between two statements. */
interface RepeatRow {
  readonly id: string;
  readonly storage_path: string | null;
  readonly fingerprint: string;
  readonly quarantined_at: Date;
  readonly same_payload: boolean;
}

/**
 * Keeps the rows of quarantined records: one for each id, however often and by however many instances at once it is inserted. A
 * row that is there already is never changed. Rows go in by the order of their ids, so that two instances with the same records
 * wait for each other rather than deadlock.
 */
export class RecordStore {
  readonly #database: Database;
  /** Repeats come in runs, after a crash or a rebalance: meanwhile the straight way, which would fail, is not tried. */
  #repeating = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Inserts all rows or none. Returns, by id, what the database holds of the records that had a row already, be it from an earlier
   * pass or from the same call; it is empty on a first pass. Throws `DQ_RECORD_CONFLICT` if one of them came with another payload.
   */
  async insert(rows: readonly StoredRow[]): Promise<ReadonlyMap<string, StoredPlace>> {
    const { first, repeats } = splitRepeats(rows);
    if (first.size === 0) return repeats;
    const ordered = [...first.values()].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
    const bytes = encodeCopyRows(ordered);
    await this.#database.withClient(async (client) => {
      if (!this.#repeating && (await copyNew(client, bytes, first.size))) return;
      const stored = await insertStaged(client, bytes, first);
      for (const [id, place] of stored) repeats.set(id, place);
      this.#repeating = stored.size > 0;
    });
    return repeats;
  }
}

/** The first row of each id, and where the payloads of ids that come again in the same call lie. */
function splitRepeats(rows: readonly StoredRow[]): { first: Map<string, StoredRow>; repeats: Map<string, StoredPlace> } {
  const first = new Map<string, StoredRow>();
  const repeats = new Map<string, StoredPlace>();
  for (const row of rows) {
    const { id } = row.record;
    const earlier = first.get(id);
    if (!earlier) {
      first.set(id, row);
      continue;
    }
    if (!earlier.record.payloadSha256.equals(row.record.payloadSha256)) throw conflict(row);
    const { fault, quarantinedAt } = earlier.record;
    repeats.set(id, { storagePath: earlier.storagePath, fingerprint: fault.fingerprint, quarantinedAt });
  }
  return { first, repeats };
}

/** False, with nothing kept, if one of the ids has a row already. */
async function copyNew(client: DatabaseClient, bytes: Buffer, count: number): Promise<boolean> {
  try {
    assert((await copyIn(client, { sql: copyStraight, bytes, msMax: copyMsMax })) === count, 'COPY took another number of rows');
    return true;
  } catch (error) {
    if (sqlStateOf(error) === uniqueViolation) return false;
    throw error;
  }
}

/** Inserts what is new by way of the staging table, in one transaction, and returns what is stored of the rest. */
async function insertStaged(
  client: DatabaseClient,
  bytes: Buffer,
  rows: ReadonlyMap<string, StoredRow>,
): Promise<Map<string, StoredPlace>> {
  // A stricter isolation would not see what another instance commits meanwhile.
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  await client.query(createStaging);
  assert((await copyIn(client, { sql: copyStaging, bytes, msMax: copyMsMax })) === rows.size, 'COPY took another number of rows');
  await client.query(insertNew);
  const { rows: repeats } = await client.query<RepeatRow>(readRepeats);
  const stored = new Map<string, StoredPlace>();
  for (const repeat of repeats) {
    if (repeat.storage_path === null) throw new DataQuarantineError('DQ_COPY_INTERRUPTED', `the row ${repeat.id} was deleted meanwhile`);
    if (!repeat.same_payload) throw conflict(rows.get(repeat.id));
    const { storage_path: storagePath, fingerprint, quarantined_at: quarantinedAt } = repeat;
    stored.set(repeat.id, { storagePath, fingerprint, quarantinedAt: quarantinedAt.getTime() });
  }
  await client.query('COMMIT');
  return stored;
}

function conflict(row: StoredRow | undefined): DataQuarantineError {
  assert(row, 'the database answered for a row that was not asked about');
  const { id, topic, partition, offset } = row.record;
  return new DataQuarantineError(
    'DQ_RECORD_CONFLICT',
    `the record at ${topic}/${partition}/${offset} (${id}) is stored with another payload than the one that came now`,
  );
}
