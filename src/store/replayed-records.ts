import type { DatabaseClient } from '../drivers/postgres/database.ts';

/** What became of one record of a plan. */
export interface Settled {
  readonly ordinal: number;
  /** `left_out`: a newer message of its key has overtaken it. */
  readonly state: 'published' | 'failed' | 'left_out';
  readonly message: string | null;
  /** Was it tried? A record that waits behind a failed one of its key was not. */
  readonly attempted: boolean;
}

/** The records of a plan become `replaying`; those that were changed since the plan was made are left out of it. */
export async function takeRecords(client: DatabaseClient, planId: string): Promise<void> {
  await client.query(
    "WITH taken AS (UPDATE quarantine_records AS r SET status = 'replaying', version = r.version + 1 FROM replay_records AS p WHERE p.plan_id = $1 " +
      "AND p.state = 'waiting' AND r.id = p.record_id AND r.version = p.record_version AND r.status = p.record_status RETURNING r.id) " +
      "UPDATE replay_records AS p SET state = 'left_out', forecast = 'changed', message = 'it was changed after the plan was made' " +
      "WHERE p.plan_id = $1 AND p.state = 'waiting' AND NOT EXISTS (SELECT FROM taken WHERE taken.id = p.record_id)",
    [planId],
  );
}

/** The waiting records of a plan leave it and become what they were. */
export async function releaseRecords(client: DatabaseClient, planId: string): Promise<void> {
  await client.query(
    "WITH left_over AS (UPDATE replay_records SET state = 'cancelled' WHERE plan_id = $1 AND state = 'waiting' RETURNING record_id, record_status) " +
      'UPDATE quarantine_records AS r SET status = record_status, version = r.version + 1 FROM left_over ' +
      "WHERE r.id = left_over.record_id AND r.status = 'replaying'",
    [planId],
  );
}

/** Writes down, in the plan and in the rows, what became of claimed records. What waits behind a failed one of its key fails with it. */
export async function settleRecords(client: DatabaseClient, planId: string, settled: readonly Settled[]): Promise<void> {
  await write(client, planId, settled);
  const failed = settled.filter(({ state }) => state === 'failed').map(({ ordinal }) => ordinal);
  if (failed.length === 0) return;
  const { rows } = await client.query<{ ordinal: number }>(
    'SELECT DISTINCT w.ordinal FROM replay_records AS w JOIN replay_records AS f ON f.plan_id = w.plan_id AND f.chain = w.chain AND f.ordinal < w.ordinal ' +
      "WHERE w.plan_id = $1 AND w.state = 'waiting' AND f.ordinal = ANY($2)",
    [planId, failed],
  );
  await write(
    client,
    planId,
    rows.map(({ ordinal }) => ({ ordinal, state: 'failed', message: heldBack, attempted: false })),
  );
}

/** Why a record failed that was not tried. */
export const heldBack = 'it waits behind a record of its key that was not published';

async function write(client: DatabaseClient, planId: string, settled: readonly Settled[]): Promise<void> {
  if (settled.length === 0) return;
  const column = (value: (one: Settled) => unknown) => settled.map(value);
  await client.query(
    'WITH given AS (SELECT * FROM unnest($2::int[], $3::text[], $4::text[], $5::boolean[]) AS g (ordinal, state, message, attempted)), ' +
      'marked AS (UPDATE replay_records AS p SET state = given.state, message = given.message, claim_id = NULL, settled_at = now(), ' +
      "forecast = CASE given.state WHEN 'left_out' THEN 'superseded' ELSE p.forecast END FROM given " +
      "WHERE p.plan_id = $1 AND p.ordinal = given.ordinal AND p.state IN ('claimed', 'waiting') RETURNING p.record_id, p.record_status, p.state, given.attempted) " +
      "UPDATE quarantine_records AS r SET status = CASE marked.state WHEN 'published' THEN 'replayed' ELSE marked.record_status END, " +
      'attempts = r.attempts + marked.attempted::int, version = r.version + 1 FROM marked ' +
      "WHERE r.id = marked.record_id AND r.status = 'replaying'",
    [
      planId,
      column(({ ordinal }) => ordinal),
      column(({ state }) => state),
      column(({ message }) => message),
      column(({ attempted }) => attempted),
    ],
  );
}
