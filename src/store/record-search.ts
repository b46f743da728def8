import type { Database } from '../drivers/postgres/database.ts';
import type { RecordStatus } from '../model/record.ts';
import { Conditions, type RecordSelection, selectionConditions } from './record-selection.ts';

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

const facetColumns = { status: 'status', schema: 'schema_name', error_type: 'error_type', topic: 'topic' } as const;
const facetValuesMax = 50;

export type RecordFacetCounts = { readonly [Name in keyof typeof facetColumns]: FacetCounts };

export const recordColumns =
  'id, topic, partition, "offset", timestamp, key, schema_name, schema_version, error_type, error_message, field_path, instance_path, ' +
  'keyword, fingerprint, storage_path, payload_bytes, payload_sha256, status, quarantined_at, version, attempts';
const placeColumn = '(extract(epoch FROM quarantined_at) * 1000000)::bigint AS place_at';
const behindPlace = `(quarantined_at, id) < (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::uuid)`;

/** Finds records, newest first. */
export class RecordSearch {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * One page behind `after`. Its rows have a fixed place in the order, so whoever follows the pages sees each record that was there at
   * the first one exactly once, whatever comes meanwhile.
   */
  async page(selection: RecordSelection, { limit, after }: { limit: number; after: RecordPlace | null }): Promise<RecordPage> {
    const conditions = selectionConditions(selection, after ? [after.at, after.id] : []);
    const behind = after ? ` AND ${behindPlace}` : '';
    const sql =
      `SELECT ${recordColumns}, ${placeColumn} FROM quarantine_records WHERE ${conditions.sql}${behind} ` +
      `ORDER BY quarantined_at DESC, id DESC LIMIT ${limit + 1}`;
    const { rows } = await this.#database.withClient((client) => client.query<RecordRow & { place_at: string }>(sql, conditions.values));
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return { rows: rows.slice(0, limit), next: last ? { at: last.place_at, id: last.id } : null };
  }

  async facets(selection: RecordSelection): Promise<RecordFacetCounts> {
    const { sql, values } = selectionConditions(selection);
    const counted = async (column: string): Promise<FacetCounts> => {
      const { rows } = await this.#database.withClient((client) =>
        client.query<{ value: string | null; count: string }>(
          `SELECT ${column} AS value, count(*) AS count FROM quarantine_records WHERE ${sql} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${facetValuesMax}`,
          values,
        ),
      );
      return rows.map(({ value, count }) => ({ value, count: Number(count) }));
    };
    const { status, schema, error_type, topic } = facetColumns;
    return {
      status: await counted(status),
      schema: await counted(schema),
      error_type: await counted(error_type),
      topic: await counted(topic),
    };
  }

  /** One record, null if there is none of that id among the topics. */
  async find(id: string, topicPrefixes: readonly string[]): Promise<RecordRow | null> {
    const conditions = new Conditions([id]);
    if (topicPrefixes.length > 0)
      conditions.add('EXISTS (SELECT FROM unnest(?::text[]) AS prefix WHERE starts_with(topic, prefix))', topicPrefixes);
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
