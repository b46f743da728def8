import type { Database } from '../drivers/postgres/database.ts';

/** A producer or a topic that messages of a schema came from. */
export interface Sender {
  readonly name: string;
  readonly messages: number;
  readonly lastSeen: Date;
}

export interface Senders {
  /** Of valid messages: how many were sampled of each. */
  readonly producers: readonly Sender[];
  /** Of records among the newest that are open in quarantine. */
  readonly topics: readonly Sender[];
}

/** Of quarantine only the newest records are read: it has no index by schema. */
const recordsMax = 100_000;
const sendersMax = 10;

/** Who sends messages of a schema, as far as the tables tell; those of the most messages first. */
export async function sendersOf(database: Database, schema: string): Promise<Senders> {
  return database.withClient(async (client) => {
    const producers = await client.query<Row>(
      `SELECT producer AS name, sum(messages) AS messages, max(last_seen) AS "lastSeen" FROM drift_fields
       WHERE schema_name = $1 AND path = '' GROUP BY producer ORDER BY 2 DESC, 1 LIMIT ${sendersMax}`,
      [schema],
    );
    const topics = await client.query<Row>(
      `SELECT topic AS name, count(*) AS messages, max(quarantined_at) AS "lastSeen" FROM (
         SELECT topic, schema_name, quarantined_at FROM quarantine_records WHERE status = 'quarantined'
         ORDER BY quarantined_at DESC LIMIT ${recordsMax}) AS newest
       WHERE schema_name = $1 GROUP BY topic ORDER BY 2 DESC, 1 LIMIT ${sendersMax}`,
      [schema],
    );
    return { producers: producers.rows.map(toSender), topics: topics.rows.map(toSender) };
  });
}

/** As the driver gives it: sums are texts. */
interface Row {
  readonly name: string;
  readonly messages: string;
  readonly lastSeen: Date;
}

function toSender({ name, messages, lastSeen }: Row): Sender {
  return { name, messages: Number(messages), lastSeen };
}
