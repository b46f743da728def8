import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';

/** An alert that waits to be sent. */
export interface Alert {
  readonly id: string;
  readonly kind: string;
  readonly fingerprint: string;
  /** A CloudEvent. */
  readonly event: object;
}

/** Alerts are kept in the transaction that finds their reason, and marked when they have arrived: a restart loses none. */
export async function keepAlerts(client: DatabaseClient, alerts: readonly Alert[]): Promise<void> {
  for (const { id, kind, fingerprint, event } of alerts) {
    await client.query('INSERT INTO review_alerts (id, kind, fingerprint, event) VALUES ($1, $2, $3, $4)', [
      id,
      kind,
      fingerprint,
      JSON.stringify(event),
    ]);
    await client.query('UPDATE review_groups SET alerting = $2 WHERE fingerprint = $1', [fingerprint, kind !== 'resolved']);
  }
}

const backoffSecondsMax = 3_600;

/**
 * Sends the alert that is due first, if there is one that nobody else sends right now, and says whether there was. It is sent again, later
 * and later, until `send` ends well.
 */
export async function sendDue(database: Database, send: (event: string) => Promise<void>): Promise<boolean> {
  return database.withClient(async (client) => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ id: string; event: string; attempts: number }>(
      'SELECT id, event::text AS event, attempts FROM review_alerts WHERE sent_at IS NULL AND due_at <= now() ' +
        'ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED',
    );
    const [due] = rows;
    if (due) {
      const failed = await send(due.event).then(
        () => false,
        () => true,
      );
      if (failed) {
        const seconds = Math.min(backoffSecondsMax, 5 * 2 ** due.attempts);
        await client.query("UPDATE review_alerts SET attempts = attempts + 1, due_at = now() + $2 * interval '1 second' WHERE id = $1", [
          due.id,
          seconds,
        ]);
      } else await client.query('UPDATE review_alerts SET attempts = attempts + 1, sent_at = now() WHERE id = $1', [due.id]);
    }
    await client.query('COMMIT');
    return due !== undefined;
  });
}
