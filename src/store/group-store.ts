import type { Database } from '../drivers/postgres/database.ts';
import type { DeadLetterFamily } from '../model/dead-letter-family.ts';
import { type AuditAction, appendAudit } from './audit-log.ts';
import { addTopicPrefixes, Conditions, causeConditions } from './record-selection.ts';

export type GroupSort = 'harm' | 'count' | 'last_seen' | 'first_seen';

export interface GroupSelection {
  readonly state: string | null;
  readonly schema: string | null;
  readonly topic: string | null;
  readonly family: DeadLetterFamily | null;
  readonly text: string | null;
  readonly topicPrefixes: readonly string[];
}

/** All records of one cause, as far as the caller's topics go. */
export interface GroupRow {
  readonly fingerprint: string;
  readonly error_type: string;
  /** Null for records of our own pipeline. */
  readonly family: DeadLetterFamily | null;
  readonly error_message: string;
  readonly field_path: string | null;
  readonly keyword: string | null;
  readonly schema_name: string | null;
  readonly schema_versions: string[];
  readonly topics: string[];
  readonly producers: string[];
  readonly count: number;
  readonly open_count: number;
  readonly first_seen: Date;
  readonly last_seen: Date;
  readonly sample_id: string;
  readonly state: string;
  readonly resolved_in: string | null;
  readonly archived_until: Date | null;
  readonly archived_until_count: number | null;
  readonly version: number;
  /** What it is sorted by. */
  readonly rank: number;
}

export interface GroupPlace {
  readonly rank: number;
  readonly fingerprint: string;
  /** Ranks of a list hold for this moment, in milliseconds since 1970. */
  readonly asOfMs: number;
}

/** Records of a group by the hour, and by the minute of the last ten. */
export interface GroupFlow {
  /** In each of the last 24 hours, oldest first. */
  readonly hourly: number[];
  readonly perMinute: number;
}

export interface GroupChange {
  readonly fingerprint: string;
  /** The version that the caller has seen. */
  readonly version: number;
  readonly state: 'open' | 'resolved' | 'archived';
  readonly resolvedIn: string | null;
  readonly archivedUntil: string | null;
  readonly archivedUntilCount: number | null;
  readonly audit: AuditAction;
}

/** What is still somebody's work. */
const openStatuses = 'quarantined + in_review + replaying';
const newestFirst = 'ORDER BY last_seen DESC, digest';
const hours = 24;
const minutes = 10;
const halfLifeSeconds = 24 * 3_600;

/** Records still open, halved for each day since the last one came. */
const ranks: Readonly<Record<GroupSort, string>> = {
  harm: `(open_count * power(0.5, greatest(0, extract(epoch FROM $1::timestamptz - last_seen)::float8) / ${halfLifeSeconds}))::float8`,
  count: 'count',
  last_seen: 'extract(epoch FROM last_seen)::float8',
  first_seen: 'extract(epoch FROM first_seen)::float8',
};

const grouped = `
  SELECT fingerprint, min(error_type) AS error_type, min(family) AS family, (array_agg(error_message ${newestFirst}))[1] AS error_message,
    (array_agg(field_path ${newestFirst}))[1] AS field_path, min(keyword) AS keyword, min(schema_name) AS schema_name,
    array_remove(array_agg(DISTINCT schema_version), NULL) AS schema_versions, array_agg(DISTINCT topic) AS topics,
    sum(quarantined + in_review + replaying + replayed + discarded + erased)::float8 AS count, sum(${openStatuses})::float8 AS open_count,
    min(first_seen) AS first_seen, max(last_seen) AS last_seen, (array_agg(sample_id ${newestFirst}))[1] AS sample_id
  FROM review_causes`;

/** Reads and changes groups. Their counts come from the table of causes, which the roll-up keeps. */
export class GroupStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** One page of groups by `sort`, the greatest first. */
  async list(
    selection: GroupSelection,
    { sort, limit, asOfMs, after }: { sort: GroupSort; limit: number; asOfMs: number; after: GroupPlace | null },
  ): Promise<GroupRow[]> {
    const { state, schema, topic, family, text, topicPrefixes } = selection;
    const values = [new Date(asOfMs)];
    const narrow = { status: null, errorType: null, fingerprint: null, field: null, searchKeys: false, from: null, to: null };
    const causes = causeConditions({ ...narrow, topic, schema, family, text, topicPrefixes }, values);
    const visible = new Conditions(causes.values);
    addTopicPrefixes(visible, topicPrefixes);
    const groups = new Conditions(visible.values);
    groups.addIf('state = ?', state);
    if (after) groups.addText(`(rank, fingerprint) < (${groups.value(after.rank)}::float8, ${groups.value(after.fingerprint)})`);
    const sql =
      `SELECT * FROM (SELECT *, ${ranks[sort]} AS rank FROM (${grouped} WHERE ${visible.sql} AND fingerprint IN ` +
      `(SELECT fingerprint FROM review_causes WHERE $1::timestamptz IS NOT NULL AND ${causes.sql}) GROUP BY fingerprint) AS one ` +
      `JOIN (${statesFor(visible)}) AS state USING (fingerprint)) AS ranked WHERE ${groups.sql} ORDER BY rank DESC, fingerprint DESC LIMIT ${limit}`;
    const { rows } = await this.#database.withClient((client) => client.query<GroupRow>(sql, groups.values));
    return rows;
  }

  /** Null if there is none of that fingerprint among the topics. */
  async find(fingerprint: string, topicPrefixes: readonly string[]): Promise<GroupRow | null> {
    const conditions = new Conditions([fingerprint]);
    addTopicPrefixes(conditions, topicPrefixes);
    const sql =
      `SELECT *, 0 AS rank FROM (${grouped} WHERE fingerprint = $1 AND ${conditions.sql} GROUP BY fingerprint) AS one ` +
      `JOIN (${statesFor(conditions)}) AS state USING (fingerprint)`;
    const { rows } = await this.#database.withClient((client) => client.query<GroupRow>(sql, conditions.values));
    return rows[0] ?? null;
  }

  /** The flow of each group, by fingerprint. */
  async flows(
    fingerprints: readonly string[],
    { nowMs, topicPrefixes }: { nowMs: number; topicPrefixes: readonly string[] },
  ): Promise<Map<string, GroupFlow>> {
    const conditions = new Conditions([fingerprints, new Date(nowMs)]);
    addTopicPrefixes(conditions, topicPrefixes);
    const sql =
      `SELECT fingerprint, hourly, extract(epoch FROM at)::float8 AS at, sum(records)::float8 AS records ` +
      'FROM review_causes JOIN review_flow USING (digest) WHERE fingerprint = ANY($1) ' +
      `AND at > $2::timestamptz - CASE WHEN hourly THEN interval '${hours} hours' ELSE interval '${minutes} minutes' END ` +
      `AND ${conditions.sql} GROUP BY 1, 2, 3`;
    const { rows } = await this.#database.withClient((client) =>
      client.query<{ fingerprint: string; hourly: boolean; at: number; records: number }>(sql, conditions.values),
    );
    const flows = new Map(
      fingerprints.map((fingerprint) => [fingerprint, { hourly: Array.from({ length: hours }, () => 0), perMinute: 0 }]),
    );
    const hourNow = Math.floor(nowMs / 3_600_000);
    for (const { fingerprint, hourly, at, records } of rows) {
      const flow = flows.get(fingerprint);
      const hour = hours - 1 - (hourNow - at / 3_600);
      if (flow && !hourly) flow.perMinute += records / minutes;
      else if (flow && hour in flow.hourly) flow.hourly[hour] = records;
    }
    return flows;
  }

  /** Gives a group another state, with its entry in the audit log, both or neither. False if it has another version by now. */
  async change({ fingerprint, version, state, resolvedIn, archivedUntil, archivedUntilCount, audit }: GroupChange): Promise<boolean> {
    return this.#database.withClient(async (client) => {
      await client.query('BEGIN');
      const { rowCount } = await client.query(
        'UPDATE review_groups SET state = $3, resolved_in = $4, archived_until = $5, archived_until_count = $6, version = version + 1, ' +
          'count_then = (SELECT sum(quarantined + in_review + replaying + replayed + discarded + erased) FROM review_causes WHERE fingerprint = $1) ' +
          'WHERE fingerprint = $1 AND version = $2',
        [fingerprint, version, state, resolvedIn, archivedUntil && new Date(archivedUntil), archivedUntilCount],
      );
      if (rowCount === 1) await appendAudit(client, audit);
      await client.query(rowCount === 1 ? 'COMMIT' : 'ROLLBACK');
      return rowCount === 1;
    });
  }

  /** Records that are somebody's work, and groups with such. */
  async totals(topicPrefixes: readonly string[]): Promise<{ openRecords: number; openGroups: number }> {
    const conditions = new Conditions();
    addTopicPrefixes(conditions, topicPrefixes);
    const sql =
      `SELECT coalesce(sum(${openStatuses}), 0)::float8 AS "openRecords", ` +
      `count(DISTINCT fingerprint) FILTER (WHERE ${openStatuses} > 0)::float8 AS "openGroups" FROM review_causes WHERE ${conditions.sql}`;
    const { rows } = await this.#database.withClient((client) =>
      client.query<{ openRecords: number; openGroups: number }>(sql, conditions.values),
    );
    return rows[0] ?? { openRecords: 0, openGroups: 0 };
  }

  /** Open records by the name of their schema. */
  async openBySchema(topicPrefixes: readonly string[]): Promise<Map<string, number>> {
    const conditions = new Conditions();
    addTopicPrefixes(conditions, topicPrefixes);
    const sql =
      `SELECT schema_name, sum(${openStatuses})::float8 AS open FROM review_causes ` +
      `WHERE schema_name IS NOT NULL AND ${conditions.sql} GROUP BY schema_name`;
    const { rows } = await this.#database.withClient((client) =>
      client.query<{ schema_name: string; open: number }>(sql, conditions.values),
    );
    return new Map(rows.map(({ schema_name: name, open }) => [name, open]));
  }
}

/** Senders are known by group and not by topic: whoever may not see all topics of a group does not see who sends it. */
function statesFor(visible: Conditions): string {
  const seesAll =
    visible.sql === 'true'
      ? 'true'
      : `NOT EXISTS (SELECT FROM review_causes AS c WHERE c.fingerprint = g.fingerprint AND NOT (${visible.sql}))`;
  return (
    'SELECT fingerprint, state, resolved_in, archived_until, archived_until_count::float8, ' +
    `CASE WHEN ${seesAll} THEN producers ELSE '{}' END AS producers, version FROM review_groups AS g`
  );
}
