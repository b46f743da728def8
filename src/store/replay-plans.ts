import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';
import type { DeadLetterFamily } from '../model/dead-letter-family.ts';
import type { Conditions } from './record-selection.ts';

/** What a plan is made with. */
export interface NewPlan {
  readonly id: string;
  readonly dryRun: boolean;
  readonly target: string;
  readonly rate: number | null;
  readonly schemaVersion: string | null;
  readonly includeSuperseded: boolean;
  readonly note: string | null;
  /** As it was asked for, to be shown and to look for newcomers. */
  readonly selection: unknown;
  readonly by: string;
}

export interface PlanRow extends NewPlan {
  readonly state: 'planned' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly startedBy: string | null;
  readonly finishedAt: Date | null;
  readonly reason: string | null;
  readonly needsSecondPerson: boolean;
  readonly setSha256: Buffer | null;
  /** What the dry run could not look at, in words; null if all was. */
  readonly gap: string | null;
  /** By partition of the target, decimal: up to where newer messages were looked for; null where nobody looks. */
  readonly lookedTo: readonly string[] | null;
  readonly settledBefore: number;
  readonly failedBefore: number;
  readonly summary: string | null;
}

/** What a plan has once it is whole. */
export interface WholePlan extends Pick<PlanRow, 'needsSecondPerson' | 'gap'> {
  readonly setSha256: Buffer;
  readonly lookedTo: readonly number[] | null;
}

/** What else happens in the transaction of a change: its entry in the audit log. */
export type Also = (client: DatabaseClient) => Promise<void>;

/** A record of a plan as it is judged and sent. */
export interface PlanRecord {
  readonly ordinal: number;
  readonly recordId: string;
  readonly storagePath: string;
  readonly payloadBytes: number;
  readonly payloadSha256: Buffer;
  /** Of the source record. */
  readonly topic: string;
  readonly partition: number;
  /** Is that where the message was? A dead letter whose headers do not say it has its own place there. */
  readonly placeIsKnown: boolean;
  readonly schemaName: string | null;
  /** Who wrote it as a dead letter; null for a record of our own pipeline. */
  readonly family: DeadLetterFamily | null;
  /** Had the dead letter no value? */
  readonly valueIsNull: boolean;
  /** How often it was replayed before. */
  readonly attempts: number;
  /** Equal for records of one key; null where there is none. */
  readonly chain: Buffer | null;
}

/** What the dry run says of one record. */
export interface ForecastRow {
  readonly ordinal: number;
  readonly forecast: string;
  readonly message: string | null;
  /** Equal for records of one key; null where there is none. */
  readonly chain: Buffer | null;
}

/** How many records of a plan have a forecast and a state. */
export interface PlanCount {
  readonly forecast: string;
  readonly state: string;
  readonly records: number;
}

export interface PlanCounts {
  readonly counts: readonly PlanCount[];
  /** Published within the last five seconds. */
  readonly lately: number;
}

export const planColumns =
  'p.id, state, dry_run AS "dryRun", target, rate, schema_version AS "schemaVersion", include_superseded AS "includeSuperseded", note, ' +
  'selection, created_at AS "createdAt", created_by AS by, started_at AS "startedAt", started_by AS "startedBy", finished_at AS "finishedAt", ' +
  'reason, needs_second_person AS "needsSecondPerson", set_sha256 AS "setSha256", gap, looked_to AS "lookedTo", settled_before AS "settledBefore", ' +
  'failed_before AS "failedBefore", summary';

export const planRecordColumns =
  'p.ordinal, p.record_id AS "recordId", p.storage_path AS "storagePath", p.payload_bytes AS "payloadBytes", ' +
  'p.payload_sha256 AS "payloadSha256", r.topic, r.partition, ' +
  '(f.topic, f.partition, f."offset") IS DISTINCT FROM (r.topic, r.partition, r."offset") AS "placeIsKnown", ' +
  'r.schema_name AS "schemaName", f.family, ' +
  'coalesce(f.value_is_null, false) AS "valueIsNull", r.attempts, p.chain';

/** Joins each record's row by its id: a table that has just been filled has no statistics to choose a better way by. */
export const withRow =
  'CROSS JOIN LATERAL (SELECT * FROM quarantine_records WHERE id = p.record_id OFFSET 0) AS r ' +
  'LEFT JOIN LATERAL (SELECT * FROM foreign_records WHERE record_id = p.record_id OFFSET 0) AS f ON true';

/** What a record's row alone says of it. `$3` is how often a record may be replayed. */
const forecastOfRow =
  "CASE WHEN r.status IN ('replayed', 'replaying') THEN 'already_replayed' WHEN r.status IN ('erased', 'discarded') THEN r.status " +
  "WHEN r.attempts >= $3 THEN 'attempts_used' ELSE 'will_pass' END";

/** The conditions of a selection on `quarantine_records`, behind parameters that are there already. */
export type Selector = (values: readonly unknown[]) => Conditions;

/** A topic that dead letters came from, null for those that do not name it, or our own pipeline. */
export interface Origin {
  readonly own: boolean;
  readonly topic: string | null;
}

/** Topics that a refusal names. */
const originsMax = 5;

/** Each origin of those records once, the first few. */
function originsAmong(ids: string): string {
  return (
    `SELECT DISTINCT f.record_id IS NULL AS own, f.origin_topic AS topic FROM (${ids}) AS r ` +
    `LEFT JOIN foreign_records AS f ON f.record_id = r.id ORDER BY 1, 2 LIMIT ${originsMax}`
  );
}

/** Keeps plans and their frozen sets: everything about them but the sending. */
export class PlanStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Makes a plan of the selected records of one moment, in the order of their sources. Returns how many they are; more than `recordsMax`
   * are nothing: no plan is made then. Its maker holds it for `makingMs`.
   */
  async create(plan: NewPlan, which: { select: Selector; recordsMax: number; attemptsMax: number; makingMs: number }): Promise<number> {
    const { id, dryRun, target, rate, schemaVersion, includeSuperseded, note, selection, by } = plan;
    const { select, recordsMax, attemptsMax, makingMs } = which;
    const chosen = select([id, recordsMax + 1, attemptsMax]);
    const freeze =
      'INSERT INTO replay_records (plan_id, ordinal, record_id, record_version, record_status, edit_id, storage_path, payload_bytes, ' +
      'payload_sha256, forecast, state) SELECT $1, n, id, version, status, edit_id, storage_path, payload_bytes, payload_sha256, forecast, ' +
      "CASE forecast WHEN 'will_pass' THEN 'waiting' ELSE 'left_out' END FROM (SELECT row_number() OVER (ORDER BY r.topic, r.partition, " +
      `r."offset") AS n, r.id, r.version, r.status, e.id AS edit_id, coalesce(e.storage_path, r.storage_path) AS storage_path, ` +
      'coalesce(e.payload_bytes, r.payload_bytes) AS payload_bytes, coalesce(e.payload_sha256, r.payload_sha256) AS payload_sha256, ' +
      `${forecastOfRow} AS forecast FROM (SELECT * FROM quarantine_records WHERE ${chosen.sql} LIMIT $2) AS r LEFT JOIN LATERAL (SELECT * FROM ` +
      'record_edits AS made WHERE made.record_id = r.id ORDER BY edited_at DESC, made.id DESC LIMIT 1) AS e ON true) AS frozen';
    return this.#transaction(async (client) => {
      await client.query(
        'INSERT INTO replay_plans (id, dry_run, target, rate, schema_version, include_superseded, note, selection, created_by) ' +
          'VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
        [id, dryRun, target, rate, schemaVersion, includeSuperseded, note, JSON.stringify(selection), by],
      );
      const { rowCount } = await client.query(freeze, chosen.values);
      await client.query('ANALYZE replay_records');
      // A long transaction: what it says of now is long ago.
      await client.query(`UPDATE replay_plans SET making_until = clock_timestamp() + $2 * interval '1 ms' WHERE id = $1`, [id, makingMs]);
      const records = rowCount ?? 0;
      return records > recordsMax ? 'undo' : records;
    });
  }

  /** Where the dead letters among the selected came from; of more than `recordsMax` records not all are looked at. */
  async origins(select: Selector, recordsMax: number): Promise<Origin[]> {
    const chosen = select([recordsMax]);
    return this.#query(originsAmong(`SELECT id FROM quarantine_records WHERE ${chosen.sql} LIMIT $1`), chosen.values);
  }

  /** The same of the records of a plan. */
  async originsOf(planId: string): Promise<Origin[]> {
    return this.#query(originsAmong('SELECT record_id AS id FROM replay_records WHERE plan_id = $1'), [planId]);
  }

  /** The records of a plan that may pass, in their order, from `after` on. */
  async hopefuls(planId: string, after: number, limit: number): Promise<PlanRecord[]> {
    const sql =
      `SELECT ${planRecordColumns} FROM (SELECT * FROM replay_records ` +
      "WHERE plan_id = $1 AND ordinal > $2 AND forecast = 'will_pass' ORDER BY ordinal LIMIT $3) " +
      `AS p ${withRow} ORDER BY p.ordinal`;
    return this.#query<PlanRecord>(sql, [planId, after, limit]);
  }

  /** Every record of the set, with the hash of what would go out, in order. */
  async set(planId: string, after: number, limit: number): Promise<{ ordinal: number; recordId: string; payloadSha256: Buffer }[]> {
    const sql =
      'SELECT ordinal, record_id AS "recordId", payload_sha256 AS "payloadSha256" FROM replay_records WHERE plan_id = $1 AND ordinal > $2 ' +
      'ORDER BY ordinal LIMIT $3';
    return this.#query(sql, [planId, after, limit]);
  }

  async foresee(planId: string, rows: readonly ForecastRow[]): Promise<void> {
    const sql =
      'UPDATE replay_records AS p SET forecast = g.forecast, message = g.message, chain = g.chain, state = ' +
      "CASE g.forecast WHEN 'will_pass' THEN 'waiting' ELSE 'left_out' END FROM unnest($2::int[], $3::text[], $4::text[], $5::bytea[]) " +
      'AS g (ordinal, forecast, message, chain) WHERE p.plan_id = $1 AND p.ordinal = g.ordinal';
    const column = (value: (row: ForecastRow) => unknown) => rows.map(value);
    await this.#query(sql, [
      planId,
      column(({ ordinal }) => ordinal),
      column(({ forecast }) => forecast),
      column(({ message }) => message),
      column(({ chain }) => chain),
    ]);
  }

  /** Its maker holds a plan for longer. False if it was taken for left behind. */
  async hold(planId: string, makingMs: number): Promise<boolean> {
    const sql = "UPDATE replay_plans SET making_until = now() + $2 * interval '1 ms' WHERE id = $1 AND set_sha256 IS NULL RETURNING id";
    return (await this.#query(sql, [planId, makingMs])).length === 1;
  }

  /** Drops a plan that nobody makes any more: its maker ended in the middle. False if there is none. */
  async dropLeftBehind(): Promise<boolean> {
    const sql =
      'DELETE FROM replay_plans WHERE id = (SELECT id FROM replay_plans WHERE set_sha256 IS NULL AND ' +
      "coalesce(making_until, created_at + interval '10 minutes') < now() LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id";
    return (await this.#query(sql, [])).length === 1;
  }

  /** The plan is whole: from now on it may be started. `also` happens in the same transaction. False if it was taken for left behind. */
  async finish(planId: string, { setSha256, needsSecondPerson, gap, lookedTo }: WholePlan, also: Also): Promise<boolean> {
    const sql =
      'UPDATE replay_plans SET set_sha256 = $2, needs_second_person = $3, gap = $4, looked_to = $5, making_until = NULL ' +
      'WHERE id = $1 AND set_sha256 IS NULL';
    return this.#database.withClient(async (client) => {
      await client.query('BEGIN');
      const { rowCount } = await client.query(sql, [planId, setSha256, needsSecondPerson, gap, lookedTo]);
      if (rowCount === 1) await also(client);
      await client.query('COMMIT');
      return rowCount === 1;
    });
  }

  /** A plan that could not be made to its end leaves nothing. One that was, although its maker did not hear of it, stays. */
  async drop(planId: string): Promise<void> {
    await this.#query('DELETE FROM replay_plans WHERE id = $1 AND set_sha256 IS NULL', [planId]);
  }

  async get(planId: string): Promise<PlanRow | null> {
    return (await this.#query<PlanRow>(`SELECT ${planColumns} FROM replay_plans AS p WHERE id = $1`, [planId]))[0] ?? null;
  }

  /** Newest first, from behind the plan `after`. */
  async list(after: string | null, limit: number): Promise<PlanRow[]> {
    const sql =
      `SELECT ${planColumns} FROM replay_plans AS p WHERE set_sha256 IS NOT NULL AND ($1::uuid IS NULL OR (created_at, id) < ` +
      '(SELECT created_at, id FROM replay_plans WHERE id = $1)) ORDER BY created_at DESC, id DESC LIMIT $2';
    return this.#query<PlanRow>(sql, [after, limit]);
  }

  async counts(planId: string): Promise<PlanCounts> {
    const sql =
      "SELECT forecast, state, count(*)::int AS records, (count(*) FILTER (WHERE settled_at > now() - interval '5 s'))::int AS lately " +
      'FROM replay_records WHERE plan_id = $1 GROUP BY forecast, state';
    const rows = await this.#query<PlanCount & { lately: number }>(sql, [planId]);
    return { counts: rows, lately: rows.reduce((sum, { state, lately }) => sum + (state === 'published' ? lately : 0), 0) };
  }

  /** Some records that were left out or failed, and why; a few of each kind. */
  async examples(planId: string, limit: number): Promise<{ id: string; forecast: string; message: string | null }[]> {
    const sql =
      'SELECT record_id AS id, forecast, message FROM (SELECT record_id, forecast, message, row_number() OVER (PARTITION BY forecast ORDER BY ' +
      "ordinal) AS n, ordinal FROM replay_records WHERE plan_id = $1 AND (forecast <> 'will_pass' OR state = 'failed')) AS named " +
      'ORDER BY n, ordinal LIMIT $2';
    return this.#query(sql, [planId, limit]);
  }

  /** Topics that a plan reads from: who may not see them may not see the plan. */
  async topics(planId: string): Promise<string[]> {
    const sql = 'SELECT DISTINCT topic FROM replay_records AS p JOIN quarantine_records AS r ON r.id = p.record_id WHERE plan_id = $1';
    return (await this.#query<{ topic: string }>(sql, [planId])).map(({ topic }) => topic);
  }

  /** Records that fulfil a plan's condition and came after it, up to `limit`. */
  async newcomers(select: Selector, since: Date, limit: number): Promise<number> {
    const { sql, values } = select([since, limit]);
    const newer = `SELECT FROM quarantine_records WHERE quarantined_at > $1 AND ${sql} LIMIT $2`;
    return (await this.#query<{ n: number }>(`SELECT count(*)::int AS n FROM (${newer}) AS newer`, values))[0]?.n ?? 0;
  }

  async #query<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return (await this.#database.withClient((client) => client.query<Row & Record<string, unknown>>(sql, [...values]))).rows;
  }

  async #transaction(work: (client: DatabaseClient) => Promise<number | 'undo'>): Promise<number> {
    return this.#database.withClient(async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query(result === 'undo' ? 'ROLLBACK' : 'COMMIT');
      return result === 'undo' ? Number.POSITIVE_INFINITY : result;
    });
  }
}
