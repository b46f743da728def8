import type { Database } from '../drivers/postgres/database.ts';

/** The breaker of a topic as it is stored. */
export interface StoredBreaker {
  readonly topic: string;
  /** How often it was lifted. */
  readonly generation: number;
  /** Null while it is closed. */
  readonly trip: StoredTrip | null;
  /** Milliseconds during which it does not trip again, because it was lifted; 0 for none. */
  readonly mutedMs: number;
}

export interface StoredTrip {
  readonly reason: string;
  readonly cause: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What was counted of a partition; see `pipeline/flood/flood-counts.ts`. */
export interface StoredPartition {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly messages: number;
  readonly invalid: number;
  readonly run: number;
  readonly causes: Readonly<Record<string, readonly [number, number]>>;
}

interface BreakerRow {
  readonly topic: string;
  readonly generation: string;
  readonly tripped_at: Date | null;
  readonly reason: string | null;
  readonly cause: string | null;
  readonly muted_ms: number;
}

interface CountsRow extends Omit<StoredPartition, 'generation' | 'messages' | 'invalid' | 'run'> {
  readonly generation: string;
  readonly messages: string;
  readonly invalid: string;
  readonly run: string;
}

/** The flood breakers of one group: their states, which all instances share, and what was counted of each partition. */
export class FloodStore {
  readonly #database: Database;
  readonly #group: string;

  constructor(database: Database, group: string) {
    this.#database = database;
    this.#group = group;
  }

  /** The breakers that ever tripped or were lifted, by topic. */
  async breakers(): Promise<StoredBreaker[]> {
    const rows = await this.#query<BreakerRow>(
      `SELECT topic, generation, tripped_at, reason, cause,
         greatest(0, coalesce(extract(epoch FROM muted_until - now()), 0) * 1000)::float8 AS muted_ms
       FROM flood_breakers WHERE group_id = $1 ORDER BY topic`,
    );
    return rows.map(({ topic, generation, tripped_at: at, reason, cause, muted_ms: mutedMs }) => ({
      topic,
      generation: Number(generation),
      trip: at && { reason: reason ?? '', cause, at: at.getTime() },
      mutedMs,
    }));
  }

  /** The breaker tripped, unless it was lifted since `generation`. The first reason stays. */
  async trip(topic: string, generation: number, { reason, cause }: Omit<StoredTrip, 'at'>): Promise<void> {
    await this.#query(
      `INSERT INTO flood_breakers AS stored (group_id, topic, generation, tripped_at, reason, cause, flooded_at)
       VALUES ($1, $2, $3, now(), $4, $5, now())
       ON CONFLICT (group_id, topic) DO UPDATE SET tripped_at = now(), reason = $4, cause = $5, flooded_at = now()
       WHERE stored.generation = $3 AND stored.tripped_at IS NULL`,
      [topic, generation, reason, cause],
    );
  }

  /** The flood goes on. */
  async touch(topic: string): Promise<void> {
    await this.#query('UPDATE flood_breakers SET flooded_at = now() WHERE group_id = $1 AND topic = $2 AND tripped_at IS NOT NULL', [
      topic,
    ]);
  }

  /** Closes the breaker if no instance has seen the flood for so long. */
  async close(topic: string, calmMs: number): Promise<void> {
    await this.#query(
      `UPDATE flood_breakers SET tripped_at = NULL, reason = NULL, cause = NULL
       WHERE group_id = $1 AND topic = $2 AND flooded_at < now() - $3 * interval '1 millisecond'`,
      [topic, calmMs],
    );
  }

  /** Closes the breaker, forgets what was counted, and keeps it from tripping for so long. */
  async lift(topic: string, mutedMs: number): Promise<void> {
    await this.#query(
      `WITH lifted AS (
         INSERT INTO flood_breakers AS stored (group_id, topic, generation, lifted_at, muted_until)
         VALUES ($1, $2, 1, now(), now() + $3 * interval '1 millisecond')
         ON CONFLICT (group_id, topic) DO UPDATE SET generation = stored.generation + 1, tripped_at = NULL, reason = NULL, cause = NULL,
           lifted_at = excluded.lifted_at, muted_until = excluded.muted_until)
       DELETE FROM flood_counts WHERE group_id = $1 AND topic = $2`,
      [topic, mutedMs],
    );
  }

  /** What earlier owners counted of these partitions, as far as anything was. */
  async load(partitions: readonly { readonly topic: string; readonly partition: number }[]): Promise<StoredPartition[]> {
    const rows = await this.#query<CountsRow>(
      `SELECT topic, partition, generation, messages, invalid, run, causes FROM flood_counts
       WHERE group_id = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))`,
      [partitions.map(({ topic }) => topic), partitions.map(({ partition }) => partition)],
    );
    return rows.map(({ generation, messages, invalid, run, ...rest }) => ({
      ...rest,
      generation: Number(generation),
      messages: Number(messages),
      invalid: Number(invalid),
      run: Number(run),
    }));
  }

  /** Writes what was counted, but for partitions whose breaker was lifted meanwhile. */
  async save(counts: readonly StoredPartition[]): Promise<void> {
    const column = <Name extends keyof StoredPartition>(name: Name) => counts.map((one) => one[name]);
    await this.#query(
      `INSERT INTO flood_counts (group_id, topic, partition, generation, messages, invalid, run, causes)
       SELECT $1, counted.* FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::jsonb[])
         AS counted (topic, partition, generation, messages, invalid, run, causes)
       LEFT JOIN flood_breakers AS breaker ON breaker.group_id = $1 AND breaker.topic = counted.topic
       WHERE counted.generation >= coalesce(breaker.generation, 0)
       ON CONFLICT (group_id, topic, partition) DO UPDATE SET generation = excluded.generation, messages = excluded.messages,
         invalid = excluded.invalid, run = excluded.run, causes = excluded.causes`,
      [
        column('topic'),
        column('partition'),
        column('generation'),
        column('messages'),
        column('invalid'),
        column('run'),
        column('causes').map((causes) => JSON.stringify(causes)),
      ],
    );
  }

  /** `$1` is the group. */
  async #query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#database.withClient((client) => client.query<Row>(sql, [this.#group, ...values]));
    return rows;
  }
}
