import { copyIn, type Database, type DatabaseClient, sqlStateOf } from '../drivers/postgres/database.ts';
import { assert } from '../lib/assert.ts';
import { hexDigit } from '../lib/byte-writer.ts';
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
    if (first.length === 0) return repeats;
    const bytes = encodeCopyRows(first);
    await this.#database.withClient(async (client) => {
      if (!this.#repeating && (await copyNew(client, bytes, first.length))) return;
      const stored = await insertStaged(client, bytes, first);
      for (const [id, place] of stored) repeats.set(id, place);
      this.#repeating = stored.size > 0;
    });
    return repeats;
  }
}

/** The first row of each id, by the order of ids, and where the payloads of ids that come again in the same call lie. */
function splitRepeats(rows: readonly StoredRow[]): { first: StoredRow[]; repeats: Map<string, StoredPlace> } {
  const first: StoredRow[] = [];
  const repeats = new Map<string, StoredPlace>();
  for (const row of orderedById(rows)) {
    const earlier = first.at(-1)?.record;
    if (earlier?.id !== row.record.id) {
      first.push(row);
      continue;
    }
    if (!earlier.payloadSha256.equals(row.record.payloadSha256)) throw conflict(row);
    const { storagePath } = first.at(-1) as StoredRow;
    repeats.set(earlier.id, { storagePath, fingerprint: earlier.fault.fingerprint, quarantinedAt: earlier.quarantinedAt });
  }
  return { first, repeats };
}

const indexes = 2 ** 21;

/**
 * The rows by the order of their ids, those of one id as they came. Numbers sort much faster than texts: 32 bits of the id and the
 * index make one, and only where those bits are equal the texts decide.
 */
function orderedById(rows: readonly StoredRow[]): StoredRow[] {
  assert(rows.length <= indexes, 'the rows of an insert are numbered by 21 bits');
  const keys = new Float64Array(rows.length);
  for (const [index, { record }] of rows.entries()) keys[index] = first32Bits(record.id) * indexes + index;
  keys.sort();
  const ordered = Array.from(keys, (key) => rows[key % indexes] as StoredRow);
  for (let at = 1; at < ordered.length; at++) {
    const row = ordered[at] as StoredRow;
    let to = at;
    while (to > 0 && row.record.id < (ordered[to - 1] as StoredRow).record.id) to -= 1;
    if (to < at) ordered.splice(to, 0, ...ordered.splice(at, 1));
  }
  return ordered;
}

function first32Bits(id: string): number {
  let bits = 0;
  for (let index = 0; index < 8; index++) bits = bits * 16 + hexDigit(id, index);
  return bits;
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
async function insertStaged(client: DatabaseClient, bytes: Buffer, rows: readonly StoredRow[]): Promise<Map<string, StoredPlace>> {
  // A stricter isolation would not see what another instance commits meanwhile.
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  await client.query(createStaging);
  assert((await copyIn(client, { sql: copyStaging, bytes, msMax: copyMsMax })) === rows.length, 'COPY took another number of rows');
  await client.query(insertNew);
  const { rows: repeats } = await client.query<RepeatRow>(readRepeats);
  const stored = new Map<string, StoredPlace>();
  for (const repeat of repeats) {
    if (repeat.storage_path === null) throw new DataQuarantineError('DQ_COPY_INTERRUPTED', `the row ${repeat.id} was deleted meanwhile`);
    if (!repeat.same_payload) throw conflict(rows.find(({ record }) => record.id === repeat.id));
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
