import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';

/** What of a row of `quarantine_records` counts in the ledger. */
export interface LedgerRow {
  readonly id: string;
  readonly offset: number;
  readonly payloadSha256: Buffer;
  readonly storagePath: string;
  readonly erased: boolean;
}

/** Dead letters of other systems name their message's place too; what became of it in our pipeline is another matter. */
const isOurs = 'NOT EXISTS (SELECT FROM foreign_records WHERE record_id = id)';

/** Offsets `from` (kept) to `to` (left out) of a source partition. */
export interface RowRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Lends `work` the rows of a range. They are of one moment, the one of the call. */
export async function withRows<T>(database: Database, range: RowRange, work: (rows: RowCursor) => Promise<T>): Promise<T> {
  return database.withClient(async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query(
      `DECLARE ledger_rows NO SCROLL CURSOR FOR
         SELECT id, "offset", payload_sha256, storage_path, status = 'erased' AS erased FROM quarantine_records
         WHERE topic = $1 AND partition = $2 AND "offset" >= $3 AND "offset" < $4 AND ${isOurs} ORDER BY "offset"`,
      [range.topic, range.partition, range.from, range.to],
    );
    const result = await work(new RowCursor(client));
    await client.query('COMMIT');
    return result;
  });
}

/** How many payloads of a partition were left in the source at offsets before `start`, where it holds them no longer. */
export async function pointersBefore(
  database: Database,
  { topic, partition }: Pick<RowRange, 'topic' | 'partition'>,
  start: number,
): Promise<number> {
  const { rows } = await database.withClient((client) =>
    client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM quarantine_records
       WHERE topic = $1 AND partition = $2 AND "offset" < $3 AND storage_path LIKE 'kafka:%' AND ${isOurs}`,
      [topic, partition, start],
    ),
  );
  return rows[0]?.count ?? 0;
}

interface FetchedRow {
  readonly id: string;
  readonly offset: string;
  readonly payload_sha256: Buffer;
  readonly storage_path: string;
  readonly erased: boolean;
}

const pageRows = 5_000;

/** Gives out rows in the order of offsets, holding a page of them at a time. */
export class RowCursor {
  readonly #client: DatabaseClient;
  #page: LedgerRow[] = [];
  #at = 0;
  #ended = false;

  constructor(client: DatabaseClient) {
    this.#client = client;
  }

  /** The rows up to `offsetLast`, itself among them, that were not given out yet. */
  async upTo(offsetLast: number): Promise<LedgerRow[]> {
    const rows: LedgerRow[] = [];
    while (true) {
      for (let row = this.#page[this.#at]; row && row.offset <= offsetLast; row = this.#page[this.#at]) {
        rows.push(row);
        this.#at += 1;
      }
      if (this.#at < this.#page.length || this.#ended) return rows;
      await this.#turnPage();
    }
  }

  async #turnPage(): Promise<void> {
    const { rows } = await this.#client.query<FetchedRow>(`FETCH ${pageRows} FROM ledger_rows`);
    this.#page = rows.map(({ id, offset, payload_sha256, storage_path, erased }) => ({
      id,
      offset: Number(offset),
      payloadSha256: payload_sha256,
      storagePath: storage_path,
      erased,
    }));
    this.#at = 0;
    this.#ended = rows.length < pageRows;
  }
}
