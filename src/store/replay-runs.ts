import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';
import { withinBytes } from '../lib/within-bytes.ts';
import { type Also, type PlanRecord, type PlanRow, planColumns, planRecordColumns, withRow } from './replay-plans.ts';
import { releaseRecords, type Settled, settleRecords, takeRecords } from './replayed-records.ts';

/** Records of a plan in the hands of one worker. */
export interface Claim {
  readonly id: string;
  readonly plan: PlanRow;
  /** In their order. */
  readonly records: readonly PlanRecord[];
  /** The ends of the target's partitions before anything was sent. */
  readonly ends: readonly number[];
}

export interface ClaimOptions {
  /** The new claim's id. */
  readonly id: string;
  readonly worker: string;
  readonly leaseMs: number;
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** How many records each stage of the canary sends, before all others go. */
  readonly stages: readonly number[];
  /** Asked before the records are taken. */
  readonly endsOf: (target: string) => Promise<readonly number[]>;
}

/** How far a plan is, counted from its last start for all but `open`. */
export interface PlanStanding {
  readonly settled: number;
  readonly failed: number;
  /** Waiting or claimed. */
  readonly open: number;
  /** Published in all. */
  readonly published: number;
}

const claimedOrWaiting = "state IN ('waiting', 'claimed')";
/** Chains of a plan with a record in other hands or one that has to wait, and the first of these. */
const blocked =
  'WITH blocked AS MATERIALIZED (SELECT chain, min(ordinal) AS first FROM (' +
  "SELECT chain, ordinal FROM replay_records WHERE plan_id = $1 AND state = 'claimed' AND chain IS NOT NULL UNION ALL " +
  "SELECT chain, ordinal FROM replay_records WHERE plan_id = $1 AND state = 'waiting' AND not_before > now() AND chain IS NOT NULL" +
  ') AS held GROUP BY chain)';
/** The next records of a plan: none that follows a blocked one of its chain. */
const nextRecords =
  `${blocked}, next AS MATERIALIZED (SELECT * FROM replay_records AS p WHERE plan_id = $1 AND state = 'waiting' AND not_before <= now() ` +
  'AND NOT EXISTS (SELECT FROM blocked WHERE blocked.chain = p.chain AND blocked.first < p.ordinal) ' +
  `ORDER BY ordinal LIMIT $2 FOR UPDATE OF p SKIP LOCKED) SELECT ${planRecordColumns} FROM next AS p ${withRow} ORDER BY p.ordinal`;
const standing =
  "SELECT (count(*) FILTER (WHERE p.state IN ('published', 'failed')) - max(s.settled_before))::int AS settled, " +
  "(count(*) FILTER (WHERE p.state = 'failed') - max(s.failed_before))::int AS failed, " +
  "(count(*) FILTER (WHERE p.state IN ('waiting', 'claimed')))::int AS open, (count(*) FILTER (WHERE p.state = 'claimed'))::int AS claimed, " +
  "(count(*) FILTER (WHERE p.state = 'published'))::int AS published " +
  'FROM replay_records AS p JOIN replay_plans AS s ON s.id = p.plan_id WHERE p.plan_id = $1';

/** Any number that no other advisory lock of ours has. */
const startLock = 7_263_501_003;
/** Another plan that has records of the same keys in hand or still to send, and of how many keys. */
const overlaps =
  'SELECT o.plan_id AS id, p.state, count(DISTINCT o.chain)::int AS keys FROM replay_records AS o JOIN replay_plans AS p ON p.id = o.plan_id ' +
  "WHERE p.id <> $1 AND p.started_at IS NOT NULL AND p.target = (SELECT target FROM replay_plans WHERE id = $1) AND o.state IN ('waiting', 'claimed') " +
  "AND o.chain IN (SELECT chain FROM replay_records WHERE plan_id = $1 AND state = 'waiting' AND chain IS NOT NULL) GROUP BY 1, 2 LIMIT 1";

/** Another plan that must end before this one may begin. */
export interface Overlap {
  readonly id: string;
  readonly state: string;
  readonly keys: number;
}

export type Started = { readonly started: true } | { readonly started: false; readonly before: Overlap | null };

/** The outbox: plans that run, who has which of their records in hand, and what became of these. */
export class RunStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * A planned or paused plan runs. With the first start its records become `replaying`; those that somebody has changed since the plan
   * was made are left out. Nothing is changed if the plan is in another state, or if another one has records of the same keys still to
   * send to the same topic: of two plans, nobody could say which record goes first.
   */
  async start(planId: string, by: string, also: Also): Promise<Started> {
    return this.#transaction(async (client) => {
      // Two starts at once would not see each other.
      await client.query('SELECT pg_advisory_xact_lock($1)', [startLock]);
      const [before] = (await client.query<Overlap>(overlaps, [planId])).rows;
      if (before) return { started: false, before };
      const { rows } = await client.query<{ started: boolean }>(
        "UPDATE replay_plans AS p SET state = 'running', started_at = coalesce(p.started_at, now()), started_by = coalesce(p.started_by, $2), " +
          'reason = NULL, paced_until = now(), ' +
          "settled_before = (SELECT count(*) FROM replay_records WHERE plan_id = p.id AND state IN ('published', 'failed')), " +
          "failed_before = (SELECT count(*) FROM replay_records WHERE plan_id = p.id AND state = 'failed') FROM replay_plans AS before " +
          "WHERE p.id = $1 AND before.id = p.id AND p.state IN ('planned', 'paused') RETURNING before.started_at IS NOT NULL AS started",
        [planId, by],
      );
      const [plan] = rows;
      if (!plan) return { started: false, before: null };
      if (!plan.started) await takeRecords(client, planId);
      await also(client);
      return { started: true };
    });
  }

  /** A running plan pauses: what is in hand still goes out. False if it does not run. */
  async pause(planId: string, reason: string, also: Also): Promise<boolean> {
    return this.#transaction(async (client) => {
      const sql = "UPDATE replay_plans SET state = 'paused', reason = $2 WHERE id = $1 AND state = 'running'";
      if ((await client.query(sql, [planId, reason])).rowCount === 0) return false;
      await also(client);
      return true;
    });
  }

  /** Ends a plan for good: what is in hand still goes out, the others become what they were. False if it has ended already. */
  async cancel(planId: string, reason: string, also: Also): Promise<boolean> {
    return this.#transaction(async (client) => {
      const sql =
        "UPDATE replay_plans SET state = 'cancelled', reason = $2, finished_at = now() WHERE id = $1 AND state IN ('planned', 'running', 'paused')";
      if ((await client.query(sql, [planId, reason])).rowCount === 0) return false;
      await releaseRecords(client, planId);
      await also(client);
      return true;
    });
  }

  /** Takes records of a running plan into hand; null where there is nothing to take at the moment. */
  async claim(options: ClaimOptions): Promise<Claim | null> {
    const { id, worker, leaseMs, recordsMax, bytesMax, stages, endsOf } = options;
    return this.#transaction(async (client) => {
      const due = `SELECT ${planColumns} FROM replay_plans AS p WHERE state = 'running' AND paced_until <= now() ORDER BY paced_until LIMIT 1 FOR UPDATE SKIP LOCKED`;
      const [plan] = (await client.query<PlanRow>(due)).rows;
      if (!plan) return null;
      const [at] = (await client.query<PlanStanding & { claimed: number }>(standing, [plan.id])).rows;
      const room = at ? roomOf(at, stages) : 0;
      const perHalfSecond = plan.rate === null ? recordsMax : Math.max(1, Math.floor(plan.rate / 2));
      const limit = Math.min(room, recordsMax, perHalfSecond);
      const ends = limit > 0 ? await endsOf(plan.target) : [];
      const found = limit > 0 ? (await client.query<PlanRecord>(nextRecords, [plan.id, limit])).rows : [];
      const records = withinBytes(found, bytesMax);
      // Whoever comes next looks after the other plans first.
      const pauseMs = plan.rate === null || records.length === 0 ? 1 : (records.length / plan.rate) * 1_000;
      await client.query("UPDATE replay_plans SET paced_until = greatest(paced_until, now()) + $2 * interval '1 ms' WHERE id = $1", [
        plan.id,
        records.length === 0 ? 100 : pauseMs,
      ]);
      if (records.length === 0) return null;
      await client.query(
        "INSERT INTO replay_claims (id, plan_id, worker, lease_until, ends) VALUES ($1, $2, $3, now() + $4 * interval '1 ms', $5)",
        [id, plan.id, worker, leaseMs, ends],
      );
      await client.query(
        "UPDATE replay_records SET state = 'claimed', claim_id = $2, tries = tries + 1 WHERE plan_id = $1 AND ordinal = ANY($3)",
        [plan.id, id, records.map(({ ordinal }) => ordinal)],
      );
      return { id, plan, records, ends };
    });
  }

  /** What a plan has still to send: the chains of its records, in hex, and their source topics. */
  async ahead(planId: string): Promise<{ chains: ReadonlySet<string>; topics: readonly string[] }> {
    const sql =
      "SELECT encode(p.chain, 'hex') AS chain, r.topic FROM replay_records AS p JOIN quarantine_records AS r ON r.id = p.record_id " +
      `WHERE p.plan_id = $1 AND p.${claimedOrWaiting} AND p.chain IS NOT NULL GROUP BY 1, 2`;
    const { rows } = await this.#database.withClient((client) => client.query<{ chain: string; topic: string }>(sql, [planId]));
    return { chains: new Set(rows.map(({ chain }) => chain)), topics: [...new Set(rows.map(({ topic }) => topic))] };
  }

  /** Adds to what a plan could not look at. */
  async noteGap(planId: string, gap: string): Promise<void> {
    const sql = "UPDATE replay_plans SET gap = concat_ws(' ', gap, $2::text) WHERE id = $1 AND (gap IS NULL OR position($2 IN gap) = 0)";
    await this.#database.withClient((client) => client.query(sql, [planId, gap]));
  }

  /** Keeps a claim for longer. False if another worker has taken it over. */
  async renew(claimId: string, worker: string, leaseMs: number): Promise<boolean> {
    const sql = "UPDATE replay_claims SET lease_until = now() + $3 * interval '1 ms' WHERE id = $1 AND worker = $2";
    return this.#transaction(async (client) => (await client.query(sql, [claimId, worker, leaseMs])).rowCount === 1);
  }

  /** Takes over a claim whose lease has ended; null where there is none. */
  async takeOver(worker: string, leaseMs: number): Promise<Claim | null> {
    return this.#transaction(async (client) => {
      const [orphan] = (
        await client.query<{ id: string; plan_id: string; ends: string[] }>(
          "UPDATE replay_claims SET worker = $1, lease_until = now() + $2 * interval '1 ms' WHERE id = (SELECT id FROM replay_claims WHERE " +
            'lease_until < now() LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, plan_id, ends',
          [worker, leaseMs],
        )
      ).rows;
      if (!orphan) return null;
      const [plan] = (await client.query<PlanRow>(`SELECT ${planColumns} FROM replay_plans AS p WHERE id = $1`, [orphan.plan_id])).rows;
      const records = await client.query<PlanRecord>(
        `SELECT ${planRecordColumns} FROM replay_records AS p ${withRow} WHERE p.claim_id = $1 AND ` +
          "p.state = 'claimed' ORDER BY p.ordinal",
        [orphan.id],
      );
      return { id: orphan.id, plan: plan as PlanRow, records: records.rows, ends: orphan.ends.map(Number) };
    });
  }

  /**
   * Writes down what became of the records of a claim, and gives it back; what is not named waits again. Null, and nothing is written, if
   * another worker has taken the claim over: that one finds out.
   */
  async settle(claim: Claim, worker: string, settled: readonly Settled[], backoffMs: number): Promise<PlanStanding | null> {
    return this.#transaction(async (client) => {
      // In the order of `claim`: the plan first.
      await client.query('SELECT FROM replay_plans WHERE id = $1 FOR UPDATE', [claim.plan.id]);
      const gone = await client.query('DELETE FROM replay_claims WHERE id = $1 AND worker = $2', [claim.id, worker]);
      if (gone.rowCount === 0) return null;
      await settleRecords(client, claim.plan.id, settled);
      await client.query(
        "UPDATE replay_records SET state = 'waiting', claim_id = NULL, not_before = now() + $2 * least(2 ^ (tries - 1), 256) * interval '1 ms' " +
          "WHERE claim_id = $1 AND state = 'claimed'",
        [claim.id, backoffMs],
      );
      const [plan] = (await client.query<{ state: string }>('SELECT state FROM replay_plans WHERE id = $1', [claim.plan.id])).rows;
      if (plan?.state === 'cancelled') await releaseRecords(client, claim.plan.id);
      const [at] = (await client.query<PlanStanding>(standing, [claim.plan.id])).rows;
      return at ?? null;
    });
  }

  /** How a plan stands that runs and has nothing left to send; null where there is none. */
  async finished(): Promise<(PlanRow & PlanStanding) | null> {
    const sql =
      `SELECT ${planColumns} FROM replay_plans AS p WHERE state = 'running' AND NOT EXISTS (SELECT FROM replay_records AS o WHERE ` +
      `o.plan_id = p.id AND o.${claimedOrWaiting}) LIMIT 1`;
    return this.#transaction(async (client) => {
      const [plan] = (await client.query<PlanRow>(sql)).rows;
      if (!plan) return null;
      const [at] = (await client.query<PlanStanding>(standing, [plan.id])).rows;
      return at ? { ...plan, ...at } : { ...plan, settled: 0, failed: 0, open: 0, published: 0 };
    });
  }

  async finish(planId: string, state: 'done' | 'failed', closing: { reason: string | null; summary: string }): Promise<void> {
    const sql = "UPDATE replay_plans SET state = $2, reason = $3, summary = $4, finished_at = now() WHERE id = $1 AND state = 'running'";
    await this.#transaction(async (client) => client.query(sql, [planId, state, closing.reason, closing.summary]));
  }

  async #transaction<T>(work: (client: DatabaseClient) => Promise<T>): Promise<T> {
    return this.#database.withClient(async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    });
  }
}

/** How many records may be taken: a stage of the canary is settled whole before the next begins. */
function roomOf({ settled, claimed }: PlanStanding & { claimed: number }, stages: readonly number[]): number {
  let bound = 0;
  for (const stage of stages) {
    bound += stage;
    if (settled < bound) return Math.max(0, bound - settled - claimed);
  }
  return Number.MAX_SAFE_INTEGER;
}
