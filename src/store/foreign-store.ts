import type { Database } from '../drivers/postgres/database.ts';
import type { DeadLetterFamily } from '../model/dead-letter-family.ts';

/** What is known of a dead letter besides what its row in `quarantine_records` says. */
export interface ForeignRow {
  /** Of the record. */
  readonly id: string;
  readonly family: DeadLetterFamily;
  /** Where the dead letter itself lies. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The topic that the message came from, null where that is not known. */
  readonly originTopic: string | null;
  /** The outermost class that was thrown, null where none is named. */
  readonly exception: string | null;
  /** Had the dead letter no value? Its stored payload is empty then. */
  readonly valueIsNull: boolean;
}

/** A topic of one cluster, for as long as it lives. */
export interface TopicIdentity {
  readonly clusterId: string;
  readonly topicId: string;
}

/** Any number that no other advisory lock of ours has. */
const lockNumber = 7_263_501_007;

/** Keeps what was taken in, and how far. */
export class ForeignStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Does the work unless another instance is doing it; null then. The lock goes with its connection. */
  async alone<T>(work: () => Promise<T>): Promise<T | null> {
    return this.#database.withClient(async (client) => {
      const { rows } = await client.query<{ ours: boolean }>('SELECT pg_try_advisory_lock($1) AS ours', [lockNumber]);
      if (!rows[0]?.ours) return null;
      // After a failure the connection is closed, and the lock with it.
      const result = await work();
      await client.query('SELECT pg_advisory_unlock($1)', [lockNumber]);
      return result;
    });
  }

  /** Keeps all rows; those that are there already stay as they are. */
  async insert(rows: readonly ForeignRow[]): Promise<void> {
    const column = (value: (row: ForeignRow) => unknown) => rows.map(value);
    await this.#database.withClient((client) =>
      client.query(
        'INSERT INTO foreign_records (record_id, family, topic, partition, "offset", origin_topic, exception, value_is_null) SELECT * FROM ' +
          'unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::boolean[]) ON CONFLICT DO NOTHING',
        [
          column(({ id }) => id),
          column(({ family }) => family),
          column(({ topic }) => topic),
          column(({ partition }) => partition),
          column(({ offset }) => offset),
          column(({ originTopic }) => originTopic),
          column(({ exception }) => exception),
          column(({ valueIsNull }) => valueIsNull),
        ],
      ),
    );
  }

  /** Null for a record of our own pipeline. */
  async find(id: string): Promise<ForeignRow | null> {
    const sql =
      'SELECT record_id AS id, family, topic, partition, "offset"::float8 AS "offset", origin_topic AS "originTopic", exception, ' +
      'value_is_null AS "valueIsNull" FROM foreign_records WHERE record_id = $1';
    return (await this.#database.withClient((client) => client.query<ForeignRow>(sql, [id]))).rows[0] ?? null;
  }

  /** The next offset to read by partition, for those of which something was read. */
  async positions({ clusterId, topicId }: TopicIdentity): Promise<ReadonlyMap<number, number>> {
    const sql = 'SELECT partition, offset_next::float8 AS next FROM intake_positions WHERE cluster_id = $1 AND topic_id = $2';
    const { rows } = await this.#database.withClient((client) =>
      client.query<{ partition: number; next: number }>(sql, [clusterId, topicId]),
    );
    return new Map(rows.map(({ partition, next }) => [partition, next]));
  }

  /** All before `offsetNext` is kept. A position does not go back by this. */
  async advance({ clusterId, topicId }: TopicIdentity, partition: number, offsetNext: number): Promise<void> {
    await this.#database.withClient((client) =>
      client.query(
        'INSERT INTO intake_positions AS known (cluster_id, topic_id, partition, offset_next) VALUES ($1, $2, $3, $4) ' +
          'ON CONFLICT (cluster_id, topic_id, partition) DO UPDATE SET offset_next = greatest(known.offset_next, excluded.offset_next)',
        [clusterId, topicId, partition, offsetNext],
      ),
    );
  }

  /** A log was cut behind its position: it is read from `offsetNext` on once more. */
  async setBack({ clusterId, topicId }: TopicIdentity, partition: number, offsetNext: number): Promise<void> {
    const sql = 'UPDATE intake_positions SET offset_next = $4 WHERE cluster_id = $1 AND topic_id = $2 AND partition = $3';
    await this.#database.withClient((client) => client.query(sql, [clusterId, topicId, partition, offsetNext]));
  }
}
