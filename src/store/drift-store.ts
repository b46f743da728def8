import type { Database } from '../drivers/postgres/database.ts';

/** A field as sampled messages hold it. */
export interface SeenField {
  readonly schemaName: string;
  readonly schemaVersion: string;
  readonly producer: string;
  readonly path: string;
  readonly type: string;
  readonly messages: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
}

const keptDays = 90;

/** Owner of `drift_fields`. Counts of several instances add up. */
export class DriftStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds counts. Rows go in by their key, so that two instances wait for each other rather than deadlock. */
  async add(fields: readonly SeenField[]): Promise<void> {
    const keyOf = (field: SeenField) => [field.schemaName, field.schemaVersion, field.producer, field.path, field.type].join('\0');
    const sorted = [...fields].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const column = (name: keyof SeenField) => sorted.map((field) => field[name]);
    await this.#database.withClient((client) =>
      client.query(
        `INSERT INTO drift_fields SELECT * FROM
           unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::timestamptz[])
         ON CONFLICT (schema_name, schema_version, producer, path, type) DO UPDATE
         SET messages = drift_fields.messages + EXCLUDED.messages,
             first_seen = least(drift_fields.first_seen, EXCLUDED.first_seen),
             last_seen = greatest(drift_fields.last_seen, EXCLUDED.last_seen)`,
        [
          column('schemaName'),
          column('schemaVersion'),
          column('producer'),
          column('path'),
          column('type'),
          column('messages'),
          column('firstSeen'),
          column('lastSeen'),
        ],
      ),
    );
  }

  /** Forgets what nobody has sent for a long time. */
  async prune(): Promise<void> {
    await this.#database.withClient((client) =>
      client.query(`DELETE FROM drift_fields WHERE last_seen < now() - make_interval(days => ${keptDays})`),
    );
  }

  /** All that was seen of a schema, of all of them where `name` is null. */
  async list(name: string | null): Promise<SeenField[]> {
    const { rows } = await this.#database.withClient((client) =>
      client.query<Omit<SeenField, 'messages'> & { messages: string }>(
        `SELECT schema_name AS "schemaName", schema_version AS "schemaVersion", producer, path, type, messages,
                first_seen AS "firstSeen", last_seen AS "lastSeen"
         FROM drift_fields WHERE $1::text IS NULL OR schema_name = $1 ORDER BY 1, 2, 3, 4, 5`,
        [name],
      ),
    );
    return rows.map((row) => ({ ...row, messages: Number(row.messages) }));
  }

  /** Why messages of each schema are in quarantine by a rule on a field: causes that a new version could take up. */
  async refusals(name: string | null): Promise<RefusedField[]> {
    const { rows } = await this.#database.withClient((client) =>
      client.query<Omit<RefusedField, 'messages'> & { messages: string }>(
        `SELECT schema_name AS "schemaName", schema_version AS "schemaVersion", field_path AS "fieldPath", keyword,
                count(*) AS messages, min(quarantined_at) AS "firstSeen", max(quarantined_at) AS "lastSeen"
         FROM quarantine_records
         WHERE keyword IN ('enum', 'const', 'type', 'additionalProperties', 'unevaluatedProperties', 'required')
           AND schema_name IS NOT NULL AND schema_version IS NOT NULL AND ($1::text IS NULL OR schema_name = $1)
         GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 100`,
        [name],
      ),
    );
    return rows.map((row) => ({ ...row, messages: Number(row.messages) }));
  }
}

/** A field for which messages were quarantined. */
export interface RefusedField {
  readonly schemaName: string;
  readonly schemaVersion: string;
  readonly fieldPath: string;
  readonly keyword: string;
  readonly messages: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
}
