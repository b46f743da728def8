import type { Database } from '../drivers/postgres/database.ts';
import type { RecordStatus } from '../model/record.ts';
import {
  addTopicPrefixes,
  Conditions,
  causeConditions,
  keyConditions,
  type RecordSelection,
  selectionConditions,
} from './record-selection.ts';

/** A row of `quarantine_records` as the database's client gives it. */
export interface RecordRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: Date | null;
  readonly key: Buffer | null;
  readonly schema_name: string | null;
  readonly schema_version: string | null;
  readonly error_type: string;
  readonly error_message: string;
  readonly field_path: string | null;
  readonly instance_path: string | null;
  readonly keyword: string | null;
  readonly fingerprint: string;
  readonly storage_path: string;
  readonly payload_bytes: number;
  readonly payload_sha256: Buffer;
  readonly status: RecordStatus;
  readonly quarantined_at: Date;
  readonly version: number;
  readonly attempts: number;
}

/** Where a page ended: the sort key of its last row, `at` in microseconds since 1970. */
export interface RecordPlace {
  readonly at: string;
  readonly id: string;
}

export interface RecordPage {
  readonly rows: readonly RecordRow[];
  /** Null where there is nothing more. */
  readonly next: RecordPlace | null;
}

/** How many of the selected records have which value, the most frequent first. */
export type FacetCounts = { readonly value: string | null; readonly count: number }[];

/** How many records are looked at where only the rows themselves say which are selected. */
const facetRecordsMax = 10_000;
const facetValuesMax = 50;
/** More ways into the table than this cost more than they save. */
const waysMax = 2_000;
const statuses: readonly RecordStatus[] = ['quarantined', 'in_review', 'replaying', 'replayed', 'discarded', 'erased'];

export interface RecordFacetCounts {
  readonly status: FacetCounts;
  readonly schema: FacetCounts;
  readonly error_type: FacetCounts;
  readonly topic: FacetCounts;
}

export const recordColumns =
  'id, topic, partition, "offset", timestamp, key, schema_name, schema_version, error_type, error_message, field_path, instance_path, ' +
  'keyword, fingerprint, storage_path, payload_bytes, payload_sha256, status, quarantined_at, version, attempts';
const placeColumn = '(extract(epoch FROM quarantined_at) * 1000000)::bigint AS place_at';
const behindPlace = (at: string, id: string) =>
  `(quarantined_at, id) < (timestamptz 'epoch' + ${at}::bigint * interval '1 microsecond', ${id}::uuid)`;

/** Causes and beginnings of keys among whose records all that are selected must be; null where there are too many to look at each. */
interface Ways {
  readonly fingerprints: readonly string[];
  readonly heads: readonly Buffer[];
}

export interface RecordSearchOptions {
  readonly database: Database;
  /** Waits until the tables of causes know every record that is there. */
  readonly catchUp: () => Promise<void>;
}

/**
 * Finds records, newest first. Only few indexes are kept on the great table, so a search begins in the small tables of causes and keys:
 * they name the fingerprints and keys whose records may be selected, the heads of each of them are read by index, and their newest
 * make the page. What is selected is always said by the rows themselves.
 */
export class RecordSearch {
  readonly #database: Database;
  readonly #catchUp: () => Promise<void>;

  constructor({ database, catchUp }: RecordSearchOptions) {
    this.#database = database;
    this.#catchUp = catchUp;
  }

  /**
   * One page behind `after`. Its rows have a fixed place in the order, so whoever follows the pages sees each record that was there at
   * the first one exactly once, whatever comes meanwhile.
   */
  async page(selection: RecordSelection, { limit, after }: { limit: number; after: RecordPlace | null }): Promise<RecordPage> {
    const heads = await this.#heads(selection, { limit: limit + 1, after });
    if (heads === null) return { rows: [], next: null };
    const sql =
      `SELECT ${recordColumns}, ${placeColumn} FROM quarantine_records JOIN (${heads.sql}) AS head USING (id, quarantined_at) ` +
      'ORDER BY quarantined_at DESC, id DESC';
    const { rows } = await this.#database.withClient((client) => client.query<RecordRow & { place_at: string }>(sql, heads.values));
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return { rows: rows.slice(0, limit), next: last ? { at: last.place_at, id: last.id } : null };
  }

  /**
   * Counts of all that is selected, from the table of causes. Where time or keys narrow the selection, which it knows nothing of, the
   * newest ten thousand records are counted.
   */
  async facets(selection: RecordSelection): Promise<RecordFacetCounts> {
    await this.#catchUp();
    const fromCauses = selection.from === null && selection.to === null && (selection.text === null || !selection.searchKeys);
    const source = fromCauses ? causeCounts(selection) : await this.#newestCounts(selection);
    if (source === null) return { status: [], schema: [], error_type: [], topic: [] };
    const counted = async (column: string): Promise<FacetCounts> => {
      const { rows } = await this.#database.withClient((client) =>
        client.query<{ value: string | null; count: number }>(
          `SELECT ${column} AS value, sum(records)::float8 AS count FROM (${source.sql}) AS selected ` +
            `GROUP BY 1 HAVING sum(records) > 0 ORDER BY 2 DESC, 1 LIMIT ${facetValuesMax}`,
          source.values,
        ),
      );
      return rows;
    };
    return {
      status: await counted('status'),
      schema: await counted('schema_name'),
      error_type: await counted('error_type'),
      topic: await counted('topic'),
    };
  }

  async #newestCounts(selection: RecordSelection): Promise<Query | null> {
    const heads = await this.#heads(selection, { limit: facetRecordsMax, after: null });
    if (heads === null) return null;
    const sql = `SELECT status, schema_name, error_type, topic, 1 AS records FROM quarantine_records JOIN (${heads.sql}) AS head USING (id)`;
    return { sql, values: heads.values };
  }

  /** A query for the places of the newest records that are selected. Null where none can be. */
  async #heads(selection: RecordSelection, { limit, after }: { limit: number; after: RecordPlace | null }): Promise<Query | null> {
    const ways = await this.#ways(selection);
    const conditions = selectionConditions(selection);
    if (after) conditions.addText(behindPlace(conditions.value(after.at), conditions.value(after.id)));
    const newest = (from: string, way: string) =>
      `SELECT found.id, found.quarantined_at FROM ${from} CROSS JOIN LATERAL (SELECT id, quarantined_at FROM quarantine_records ` +
      `WHERE ${way} AND ${conditions.sql} ORDER BY quarantined_at DESC, id DESC LIMIT ${limit}) AS found`;
    const ofStatus = () => `unnest(${conditions.value(selection.status === null ? statuses : [selection.status])}::text[]) AS one_status`;
    const branches: string[] = [];
    if (ways === null) branches.push(newest(ofStatus(), 'status = one_status'));
    else {
      const { fingerprints, heads } = ways;
      if (fingerprints.length > 0) {
        const ofCause = `unnest(${conditions.value(fingerprints)}::text[]) AS one_cause`;
        branches.push(newest(`${ofCause} CROSS JOIN ${ofStatus()}`, 'fingerprint = one_cause AND status = one_status'));
      }
      if (heads.length > 0)
        branches.push(
          newest(`unnest(${conditions.value(heads)}::bytea[]) AS one_key`, 'substring(key FROM 1 FOR 64) = one_key AND key IS NOT NULL'),
        );
    }
    if (branches.length === 0) return null;
    // The union takes out what was found by its cause and by its key.
    const sql = `SELECT id, quarantined_at FROM (${branches.join(' UNION ')}) AS found ORDER BY quarantined_at DESC, id DESC LIMIT ${limit}`;
    return { sql, values: conditions.values };
  }

  async #ways(selection: RecordSelection): Promise<Ways | null> {
    const { topic, schema, errorType, fingerprint, field, text, topicPrefixes } = selection;
    const narrows = [topic, schema, errorType, fingerprint, field, text].some((value) => value !== null) || topicPrefixes.length > 0;
    if (!narrows) return null;
    if (fingerprint !== null && text === null) return { fingerprints: [fingerprint], heads: [] };
    await this.#catchUp();
    const causes = causeConditions(selection);
    const keys = keyConditions(selection);
    return this.#database.withClient(async (client) => {
      const { rows } = await client.query<{ fingerprint: string }>(
        `SELECT DISTINCT fingerprint FROM review_causes WHERE ${causes.sql} LIMIT ${waysMax + 1}`,
        causes.values,
      );
      const fingerprints = rows.map((row) => row.fingerprint);
      if (!keys) return fingerprints.length > waysMax ? null : { fingerprints, heads: [] };
      const found = await client.query<{ head: Buffer }>(
        `SELECT head FROM review_keys WHERE ${keys.sql} LIMIT ${waysMax + 1}`,
        keys.values,
      );
      const heads = found.rows.map(({ head }) => head);
      // A key that is too young for the table is found if it is the whole word.
      for (const word of (text ?? '').trim().split(/\s+/)) heads.push(Buffer.from(word).subarray(0, 64));
      return fingerprints.length + heads.length > waysMax ? null : { fingerprints, heads };
    });
  }

  /** One record, null if there is none of that id among the topics. */
  async find(id: string, topicPrefixes: readonly string[]): Promise<RecordRow | null> {
    const conditions = new Conditions([id]);
    addTopicPrefixes(conditions, topicPrefixes);
    const { rows } = await this.#database.withClient((client) =>
      client.query<RecordRow>(`SELECT ${recordColumns} FROM quarantine_records WHERE id = $1 AND ${conditions.sql}`, conditions.values),
    );
    return rows[0] ?? null;
  }

  /** The records before and after one in its source partition. */
  async neighbours({ topic, partition, offset }: RecordRow): Promise<{ before: string | null; after: string | null }> {
    const nearest = async (comparison: '<' | '>', order: 'DESC' | 'ASC') => {
      const sql =
        `SELECT id FROM quarantine_records WHERE partition = $1 AND "offset" ${comparison} $2 AND topic = $3 ` +
        `ORDER BY "offset" ${order} LIMIT 1`;
      const { rows } = await this.#database.withClient((client) => client.query<{ id: string }>(sql, [partition, offset, topic]));
      return rows[0]?.id ?? null;
    };
    return { before: await nearest('<', 'DESC'), after: await nearest('>', 'ASC') };
  }
}

interface Query {
  readonly sql: string;
  readonly values: unknown[];
}

/** Counts of records by cause and status. */
function causeCounts(selection: RecordSelection): Query {
  const conditions = causeConditions(selection);
  const counts = statuses.map((status) => `('${status}', ${status})`).join(', ');
  const ofStatus = selection.status === null ? 'true' : `status = ${conditions.value(selection.status)}`;
  const sql =
    `SELECT status, schema_name, error_type, topic, records FROM review_causes CROSS JOIN LATERAL (VALUES ${counts}) AS one (status, records) ` +
    `WHERE ${conditions.sql} AND ${ofStatus}`;
  return { sql, values: conditions.values };
}
