import type { Database } from '../drivers/postgres/database.ts';
import type { RecordStatus } from '../model/record.ts';
import { type AuditAction, appendAudit } from './audit-log.ts';
import { type RecordRow, recordColumns } from './record-search.ts';

export interface StatusChange {
  readonly id: string;
  /** The version that the caller has seen. */
  readonly version: number;
  /** The statuses that the record may be in. */
  readonly from: readonly RecordStatus[];
  readonly to: RecordStatus;
  readonly audit: AuditAction;
}

/**
 * Gives a record another status, with its entry in the audit log, both or neither. Null, and nothing changed, if the record has
 * another version by now or a status that is not among `from`.
 */
export async function changeStatus(database: Database, { id, version, from, to, audit }: StatusChange): Promise<RecordRow | null> {
  return database.withClient(async (client) => {
    await client.query('BEGIN');
    const { rows } = await client.query<RecordRow>(
      'UPDATE quarantine_records SET status = $1, version = version + 1 ' +
        `WHERE id = $2 AND version = $3 AND status = ANY($4) RETURNING ${recordColumns}`,
      [to, id, version, from],
    );
    if (rows[0]) await appendAudit(client, audit);
    await client.query(rows[0] ? 'COMMIT' : 'ROLLBACK');
    return rows[0] ?? null;
  });
}
