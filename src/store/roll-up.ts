import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';

/** What a round met of one group among the records that are new. */
export interface FreshGroup {
  readonly fingerprint: string;
  readonly records: number;
  /** No record of it was ever counted before. */
  readonly isNew: boolean;
  /** Of the new records. */
  readonly versions: readonly string[];
  /** Storage path of one of the new records. */
  readonly samplePath: string;
}

export interface Round {
  readonly records: number;
  readonly groups: readonly FreshGroup[];
  /** No round was ever made before: everything is new, and nothing is news. */
  readonly isFirst: boolean;
  /** Causes whose records changed their status. */
  readonly moved: number;
}

/** Any number that no other advisory lock of ours has. */
const lockNumber = 7_263_501_002;
/** The first round after an upgrade may have a whole table before it. */
const roundMsMax = 600_000;
/** Keys of a flood are many and of little use; those that are left out are found by their beginnings all the same. */
const keysMax = 5_000;
const hourlyDays = 2;

const causeColumns = 'fingerprint, topic, schema_name, schema_version, error_type, error_message, field_path, keyword';

/**
 * The rows that this snapshot sees and the last one did not. Transactions end in another order than they begin, so neither an id nor a
 * time says what is new; the two snapshots do. Quarantine waits for the same processor: a row is looked at once, and what is costly
 * (digests, words of dates) is done for causes and minutes, which are few. Nothing is joined to the new rows: statistics know nothing of
 * them, so the planner takes them for one and would go through all of them for each cause. That is why a minute's newest record comes out
 * of the counting, as a text that sorts by time (microseconds since 1970, of 16 digits since 2001) and ends in its id.
 */
export const countFresh = `
WITH fresh AS MATERIALIZED (
  SELECT id, quarantined_at, key, ${causeColumns}
  FROM quarantine_records
  WHERE inserted_xid >= $1::bigint AND (inserted_xid >= $3::bigint OR NOT pg_visible_in_snapshot(inserted_xid::text::xid8, $2::pg_snapshot))
), minutes AS MATERIALIZED (
  SELECT review_cause_digest(${causeColumns}) AS digest, ${causeColumns}, to_timestamp(minute * 60) AS minute,
    records, first_seen, last_seen, newest
  FROM (
    SELECT ${causeColumns}, floor(date_part('epoch', quarantined_at) / 60) AS minute, count(*) AS records,
      min(quarantined_at) AS first_seen, max(quarantined_at) AS last_seen,
      max(((date_part('epoch', quarantined_at) * 1e6)::bigint::text || id::text) COLLATE "C") AS newest
    FROM fresh GROUP BY ${causeColumns}, minute
  ) AS grouped
), counted AS MATERIALIZED (
  SELECT digest, ${causeColumns}, sum(records)::bigint AS records, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
    right(max(newest), 36)::uuid AS sample_id
  FROM minutes GROUP BY digest, ${causeColumns}
), causes AS (
  INSERT INTO review_causes AS known (digest, ${causeColumns}, family, first_seen, last_seen, sample_id, quarantined)
  SELECT digest, ${causeColumns}, (SELECT family FROM foreign_records WHERE record_id = sample_id), first_seen, last_seen, sample_id, records FROM counted
  ON CONFLICT (digest) DO UPDATE SET quarantined = known.quarantined + excluded.quarantined,
    first_seen = least(known.first_seen, excluded.first_seen),
    sample_id = CASE WHEN excluded.last_seen >= known.last_seen THEN excluded.sample_id ELSE known.sample_id END,
    last_seen = greatest(known.last_seen, excluded.last_seen)
), flow AS (
  INSERT INTO review_flow AS known (digest, at, hourly, records)
  SELECT digest, date_trunc(CASE WHEN hourly THEN 'hour' ELSE 'minute' END, minute, 'UTC'), hourly, sum(records)
  FROM minutes CROSS JOIN (VALUES (true), (false)) AS scale (hourly)
  WHERE minute > now() - interval '${hourlyDays} days' GROUP BY 1, 2, 3
  ON CONFLICT (digest, hourly, at) DO UPDATE SET records = known.records + excluded.records
), keys AS (
  INSERT INTO review_keys (head)
  SELECT head FROM (
    SELECT DISTINCT substring(key FROM 1 FOR 64) AS head FROM (SELECT key FROM fresh WHERE key IS NOT NULL LIMIT ${keysMax}) AS picked
  ) AS heads
  WHERE NOT EXISTS (SELECT FROM review_keys AS known WHERE known.head = heads.head)
  ON CONFLICT DO NOTHING
), groups AS (
  INSERT INTO review_groups (fingerprint) SELECT DISTINCT fingerprint FROM counted ON CONFLICT DO NOTHING RETURNING fingerprint
)
SELECT fingerprint, records, fingerprint IN (SELECT fingerprint FROM groups) AS "isNew", versions,
  (SELECT storage_path FROM quarantine_records WHERE id = sample_id) AS "samplePath"
FROM (
  SELECT fingerprint, sum(records)::float8 AS records, array_remove(array_agg(DISTINCT schema_version), NULL) AS versions,
    (array_agg(sample_id))[1] AS sample_id
  FROM counted GROUP BY fingerprint
) AS told`;

const statuses = ['quarantined', 'in_review', 'replaying', 'replayed', 'discarded', 'erased'] as const;
const countMoves = `
WITH moved AS (DELETE FROM review_moves RETURNING digest, status, records), sums AS (
  SELECT digest, ${statuses.map((status) => `coalesce(sum(records) FILTER (WHERE status = '${status}'), 0) AS ${status}`).join(', ')}
  FROM moved GROUP BY digest
)
UPDATE review_causes AS known SET ${statuses.map((status) => `${status} = greatest(0, known.${status} + sums.${status})`).join(', ')}
FROM sums WHERE sums.digest = known.digest`;

const prune = `
DELETE FROM review_flow WHERE (NOT hourly AND at < now() - interval '2 hours') OR at < now() - interval '${hourlyDays} days'`;

/**
 * A database that was restored from a dump counts its transactions anew: the rows it came with are counted, and must not look like ones
 * that are yet to come.
 */
const adoptRows = 'UPDATE quarantine_records SET inserted_xid = 1 WHERE inserted_xid >= $1::bigint';

/** The first transaction that a snapshot, printed as `xmin:xmax:xips`, does not see. */
function xmaxOf(snapshot: string): bigint {
  return BigInt(snapshot.split(':')[1] ?? 0);
}

/** Keeps the tables that the review finds records by: one round at a time, whichever instance makes it. */
export class RollUp {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Counts all records and changes that were committed since the last round, and lets `then` act on them in the same transaction.
   * Every record is counted exactly once.
   */
  async round(then: (client: DatabaseClient, round: Round) => Promise<void>): Promise<Round> {
    return this.#database.withClient(async (client) => {
      // Before the transaction: its snapshot must be younger than the round that was waited for.
      await client.query({ text: 'SELECT pg_advisory_lock($1)', values: [lockNumber], ...patience });
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const { rows } = await client.query<{ snapshot: string; now: string }>(
        'SELECT snapshot, pg_current_snapshot()::text AS now FROM review_roll_up',
      );
      const { snapshot = '1:1:', now = '1:1:' } = rows[0] ?? {};
      const fresh = await client.query<FreshGroup>({
        text: countFresh,
        values: [snapshot.split(':')[0], snapshot, String(xmaxOf(snapshot))],
        ...patience,
      });
      const moves = await client.query({ text: countMoves, ...patience });
      const round = {
        groups: fresh.rows,
        records: fresh.rows.reduce((sum, { records }) => sum + records, 0),
        isFirst: snapshot === '1:1:',
        moved: moves.rowCount ?? 0,
      };
      await then(client, round);
      if (xmaxOf(snapshot) > xmaxOf(now)) await client.query({ text: adoptRows, values: [String(xmaxOf(now))], ...patience });
      await client.query('UPDATE review_roll_up SET snapshot = $1', [now]);
      await client.query('COMMIT');
      await client.query('SELECT pg_advisory_unlock($1)', [lockNumber]);
      return round;
    });
  }

  /** Lets go of flow that nothing shows any more. */
  async prune(): Promise<void> {
    await this.#database.withClient((client) => client.query(prune));
  }
}

/** The client's own limit for one query, which the types do not know. */
const patience = { query_timeout: roundMsMax } as object;
