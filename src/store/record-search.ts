import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';
import type { DeadLetterFamily } from '../model/dead-letter-family.ts';
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
  /** Null for a record of our own pipeline. */
  readonly family: DeadLetterFamily | null;
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
/** More causes than these are not weighed one by one. */
const causesMax = 20_000;
/** A search for more keys would take longer than anybody waits. */
const keysMax = 2_000;
/** To look for words in a row costs as much as to read so many. */
const wordsRowCost = 10;
/** To enter the index costs as much as to read so many rows. */
const entryCost = 4;
const statuses: readonly RecordStatus[] = ['quarantined', 'in_review', 'replaying', 'replayed', 'discarded', 'erased'];

export interface RecordFacetCounts {
  readonly status: FacetCounts;
  readonly schema: FacetCounts;
  readonly error_type: FacetCounts;
  readonly topic: FacetCounts;
  readonly family: FacetCounts;
}

const familyColumn = '(SELECT family FROM foreign_records WHERE record_id = id) AS family';
export const recordColumns =
  'id, topic, partition, "offset", timestamp, key, schema_name, schema_version, error_type, error_message, field_path, instance_path, ' +
  `keyword, fingerprint, storage_path, payload_bytes, payload_sha256, status, quarantined_at, version, attempts, ${familyColumn}`;
const placeColumn = '(extract(epoch FROM quarantined_at) * 1000000)::bigint AS place_at';
const behindPlace = (at: string, id: string) =>
  `(quarantined_at, id) < (timestamptz 'epoch' + ${at}::bigint * interval '1 microsecond', ${id}::uuid)`;

/** Where to look for the newest records that are selected; all of them must be in one of these places. */
interface Ways {
  /** Statuses in which so many are selected that one goes through them from the newest on, and when the newest was seen. */
  readonly through: { readonly statuses: readonly RecordStatus[]; readonly until: Date | null };
  /** Causes in a status, pair by pair. */
  readonly fingerprints: readonly string[];
  readonly statuses: readonly RecordStatus[];
  /** Beginnings of keys. */
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
    if (source === null) return { status: [], schema: [], error_type: [], topic: [], family: [] };
    const { rows } = await this.#database.withClient((client) => client.query<FacetRow>(facetsOf(source.sql), source.values));
    const counted = (name: keyof RecordFacetCounts): FacetCounts =>
      rows.filter(({ facet }) => facet === name).map(({ value, count }) => ({ value, count }));
    return {
      status: counted('status'),
      schema: counted('schema'),
      error_type: counted('error_type'),
      topic: counted('topic'),
      family: counted('family'),
    };
  }

  async #newestCounts(selection: RecordSelection): Promise<Query | null> {
    const heads = await this.#heads(selection, { limit: facetRecordsMax, after: null });
    if (heads === null) return null;
    const sql = `SELECT status, schema_name, error_type, topic, ${familyColumn}, 1 AS records FROM quarantine_records JOIN (${heads.sql}) AS head USING (id)`;
    return { sql, values: heads.values };
  }

  /** A query for the places of the newest records that are selected. Null where none can be. */
  async #heads(selection: RecordSelection, { limit, after }: { limit: number; after: RecordPlace | null }): Promise<Query | null> {
    const ways = await this.#ways(selection, limit);
    const conditions = selectionConditions(selection);
    if (after) conditions.addText(behindPlace(conditions.value(after.at), conditions.value(after.id)));
    const newest = (from: string, way: string) =>
      `SELECT found.id, found.quarantined_at FROM ${from} CROSS JOIN LATERAL (SELECT id, quarantined_at FROM quarantine_records ` +
      `WHERE ${way} AND ${conditions.sql} ORDER BY quarantined_at DESC, id DESC LIMIT ${limit}) AS found`;
    const { through, fingerprints, statuses: inStatus, heads } = ways;
    const branches: string[] = [];
    if (through.statuses.length > 0) {
      const until = through.until === null ? '' : ` AND quarantined_at <= ${conditions.value(through.until)}`;
      const ofStatus = `unnest(${conditions.value(through.statuses)}::text[]) AS one_status`;
      branches.push(newest(ofStatus, `status = one_status${until}`));
    }
    if (fingerprints.length > 0) {
      const ofCause = `unnest(${conditions.value(fingerprints)}::text[], ${conditions.value(inStatus)}::text[]) AS one (cause, state)`;
      branches.push(newest(ofCause, 'fingerprint = one.cause AND status = one.state'));
    }
    if (heads.length > 0) {
      const ofKey = `unnest(${conditions.value(heads)}::bytea[]) AS one_key`;
      branches.push(newest(ofKey, 'substring(key FROM 1 FOR 64) = one_key AND key IS NOT NULL'));
    }
    if (branches.length === 0) return null;
    // The union takes out what was found by its cause and by its key.
    const sql = `SELECT id, quarantined_at FROM (${branches.join(' UNION ')}) AS found ORDER BY quarantined_at DESC, id DESC LIMIT ${limit}`;
    return { sql, values: conditions.values };
  }

  async #ways(selection: RecordSelection, limit: number): Promise<Ways> {
    const { topic, schema, errorType, fingerprint, field, family, text, topicPrefixes } = selection;
    const asked = selection.status === null ? statuses : [selection.status];
    const narrows =
      [topic, schema, errorType, fingerprint, field, family, text].some((value) => value !== null) || topicPrefixes.length > 0;
    if (!narrows) return { through: { statuses: asked, until: null }, fingerprints: [], statuses: [], heads: [] };
    if (fingerprint !== null && text === null)
      return { through: nowhere, fingerprints: asked.map(() => fingerprint), statuses: asked, heads: [] };
    await this.#catchUp();
    const causes = causeConditions(selection);
    return this.#database.withClient(async (client) => {
      const found = await client.query<CauseCounts>(
        `SELECT fingerprint, ${sums}, max(last_seen) AS until FROM review_causes WHERE ${causes.sql} GROUP BY 1 LIMIT ${causesMax + 1}`,
        causes.values,
      );
      const all = await client.query<CauseCounts>(`SELECT '' AS fingerprint, ${sums}, max(last_seen) AS until FROM review_causes`);
      const rowCost = text === null ? 1 : wordsRowCost;
      const ways = cheapestWays(found.rows, { all: all.rows[0], asked, limit, rowCost });
      const heads = await headsOf(client, selection);
      // With so many keys, the newest records have some of them.
      return heads === null ? { through: { statuses: asked, until: null }, fingerprints: [], statuses: [], heads: [] } : { ...ways, heads };
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

interface FacetRow {
  readonly facet: keyof RecordFacetCounts;
  readonly value: string | null;
  readonly count: number;
}

/** The columns of facets, each with its place among those that are grouped by. */
const facetColumns: readonly (readonly [facet: keyof RecordFacetCounts, column: string])[] = [
  ['status', 'status'],
  ['schema', 'schema_name'],
  ['error_type', 'error_type'],
  ['topic', 'topic'],
  ['family', 'family'],
];

/** All counts of a selection in one pass over it. */
function facetsOf(selected: string): string {
  const columns = facetColumns.map(([, column]) => column);
  // A bit is set for each column that a row is not grouped by, the first column's the highest.
  const whole = 2 ** columns.length - 1;
  const choose = (value: (facet: string, column: string) => string) =>
    `CASE grouping(${columns.join(', ')}) ${facetColumns.map(([facet, column], at) => `WHEN ${whole - 2 ** (columns.length - 1 - at)} THEN ${value(facet, column)}`).join(' ')} END`;
  return (
    'SELECT facet, value, count FROM (SELECT *, row_number() OVER (PARTITION BY facet ORDER BY count DESC, value) AS place FROM (' +
    `SELECT ${choose((facet) => `'${facet}'`)} AS facet, ${choose((_, column) => column)} AS value, sum(records)::float8 AS count ` +
    `FROM (${selected}) AS selected GROUP BY GROUPING SETS (${columns.map((column) => `(${column})`).join(', ')}) ` +
    `HAVING sum(records) > 0) AS counted) AS placed WHERE place <= ${facetValuesMax} ORDER BY facet, place`
  );
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
    `SELECT status, schema_name, error_type, topic, family, records FROM review_causes CROSS JOIN LATERAL (VALUES ${counts}) AS one (status, records) ` +
    `WHERE ${conditions.sql} AND ${ofStatus}`;
  return { sql, values: conditions.values };
}

const sums = statuses.map((status) => `sum(${status})::float8 AS ${status}`).join(', ');
const nowhere = { statuses: [], until: null } as const;

/** Records of a cause by status, or of all. */
type CauseCounts = { readonly [Status in RecordStatus]: number } & { readonly fingerprint: string; readonly until: Date };

interface Weighing {
  readonly all: CauseCounts | undefined;
  readonly asked: readonly RecordStatus[];
  readonly limit: number;
  /** Of a row that is looked at in vain, beside that of one that is taken. */
  readonly rowCost: number;
}

/**
 * In each status, either the heads of every cause are read, or one goes through all records from the newest on until enough are found: whatever
 * takes fewer rows by the counts.
 */
function cheapestWays(found: readonly CauseCounts[], { all, asked, limit, rowCost }: Weighing): Omit<Ways, 'heads'> {
  const through: RecordStatus[] = [];
  const pairs: { readonly fingerprint: string; readonly status: RecordStatus }[] = [];
  for (const status of asked) {
    const holding = found.filter((cause) => cause[status] > 0);
    const selected = holding.reduce((sum, cause) => sum + cause[status], 0);
    const headRows = holding.reduce((sum, cause) => sum + Math.min(limit, cause[status]) + entryCost, 0);
    const throughRows = selected === 0 ? 0 : (rowCost * limit * (all?.[status] ?? 0)) / selected;
    if (selected === 0) continue;
    if (throughRows < headRows || found.length > causesMax) through.push(status);
    else for (const { fingerprint } of holding) pairs.push({ fingerprint, status });
  }
  const until = new Date(Math.max(0, ...found.map((cause) => cause.until.getTime() + 1)));
  return {
    through: through.length === 0 ? nowhere : { statuses: through, until },
    fingerprints: pairs.map(({ fingerprint }) => fingerprint),
    statuses: pairs.map(({ status }) => status),
  };
}

/** Keys in which one of the words is, null for too many. One that is too young for the table is found if it is the whole word. */
async function headsOf(client: DatabaseClient, selection: RecordSelection): Promise<Buffer[] | null> {
  const keys = keyConditions(selection);
  if (keys === null) return [];
  const { rows } = await client.query<{ head: Buffer }>(`SELECT head FROM review_keys WHERE ${keys.sql} LIMIT ${keysMax + 1}`, keys.values);
  if (rows.length > keysMax) return null;
  const words = (selection.text ?? '').trim().split(/\s+/);
  return [...rows.map(({ head }) => head), ...words.map((word) => Buffer.from(word).subarray(0, 64))];
}
