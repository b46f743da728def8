import type { Database } from '../drivers/postgres/database.ts';

/** What became of a record in one plan. */
export interface RecordReplay {
  readonly plan: string;
  /** The topic that it was published to. */
  readonly target: string;
  readonly at: Date;
  readonly by: string;
  readonly state: 'published' | 'failed';
  /** Why it failed. */
  readonly message: string | null;
}

/** The plans that published a record or tried to, oldest first. */
export async function replaysOf(database: Database, recordId: string): Promise<RecordReplay[]> {
  const sql =
    'SELECT p.id AS plan, p.target, r.settled_at AS at, coalesce(p.started_by, p.created_by) AS by, r.state, r.message FROM replay_records AS r ' +
    "JOIN replay_plans AS p ON p.id = r.plan_id WHERE r.record_id = $1 AND r.state IN ('published', 'failed') AND r.settled_at IS NOT NULL " +
    'ORDER BY r.settled_at, p.id LIMIT 100';
  return (await database.withClient((client) => client.query<RecordReplay>(sql, [recordId]))).rows;
}
