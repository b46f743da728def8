import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';

/** An edit on its way into the database; its value is stored already. */
export interface NewEdit {
  readonly id: string;
  readonly recordId: string;
  /** Of the record's row when it was read: the edit is kept only if nobody has changed the row since. */
  readonly recordVersion: number;
  readonly by: string;
  readonly change: string | null;
  readonly storagePath: string;
  readonly payloadBytes: number;
  readonly payloadSha256: Buffer;
  readonly schema: { readonly name: string; readonly version: string } | null;
}

export interface StoredEdit {
  readonly id: string;
  readonly recordId: string;
  readonly at: Date;
  readonly by: string;
  readonly change: string | null;
  readonly storagePath: string;
  readonly payloadBytes: number;
  readonly payloadSha256: Buffer;
  readonly schemaName: string | null;
  readonly schemaVersion: string | null;
}

/** A record that may be edited: where it comes from, why it is here, and where its payload lies. */
export interface EditableRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  /** A decimal number. */
  readonly offset: string;
  readonly schemaName: string | null;
  readonly errorType: string;
  readonly fieldPath: string | null;
  readonly instancePath: string | null;
  readonly keyword: string | null;
  readonly storagePath: string;
  readonly payloadBytes: number;
  readonly payloadSha256: Buffer;
  readonly status: string;
  readonly version: number;
  readonly quarantinedAt: Date;
  /** Has somebody made an edit of it before? */
  readonly isEdited: boolean;
}

/** Where a walk over the records of a group stands: the newest come first. */
export interface GroupCursor {
  readonly quarantinedAt: Date;
  readonly id: string;
}

const rowColumns =
  'id, topic, partition, "offset"::text AS "offset", schema_name AS "schemaName", error_type AS "errorType", field_path AS "fieldPath", ' +
  'instance_path AS "instancePath", keyword, storage_path AS "storagePath", payload_bytes AS "payloadBytes", ' +
  'payload_sha256 AS "payloadSha256", status, version, quarantined_at AS "quarantinedAt", ' +
  'EXISTS (SELECT FROM record_edits WHERE record_id = quarantine_records.id) AS "isEdited"';
const editColumns =
  'id, record_id AS "recordId", edited_at AS at, edited_by AS by, change, storage_path AS "storagePath", ' +
  'payload_bytes AS "payloadBytes", payload_sha256 AS "payloadSha256", schema_name AS "schemaName", schema_version AS "schemaVersion"';

/** Keeps what was made of records. A record's edits are never changed; the newest counts. */
export class EditStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async row(id: string): Promise<EditableRow | null> {
    const sql = `SELECT ${rowColumns} FROM quarantine_records WHERE id = $1`;
    return (await this.#database.withClient((client) => client.query<EditableRow>(sql, [id]))).rows[0] ?? null;
  }

  /** Open records of a group below the cursor, newest first. `prefixes` are the beginnings of the topics that may be seen, none for all. */
  async openRows(
    fingerprint: string,
    options: { after: GroupCursor | null; limit: number; prefixes: readonly string[] },
  ): Promise<EditableRow[]> {
    const sql =
      `SELECT ${rowColumns} FROM quarantine_records WHERE fingerprint = $1 AND status IN ('quarantined', 'in_review') ` +
      'AND ($2::timestamptz IS NULL OR (quarantined_at, id) < ($2, $3::uuid)) ' +
      'AND (cardinality($5::text[]) = 0 OR EXISTS (SELECT FROM unnest($5::text[]) AS prefix WHERE starts_with(topic, prefix))) ' +
      'ORDER BY quarantined_at DESC, id DESC LIMIT $4';
    const { after, limit, prefixes } = options;
    const values = [fingerprint, after?.quarantinedAt ?? null, after?.id ?? null, limit, prefixes];
    return (await this.#database.withClient((client) => client.query<EditableRow>(sql, values))).rows;
  }

  /**
   * Keeps the edits of records that nobody has changed meanwhile; returns these records' new versions by their ids. `also` happens in the same
   * transaction, if any is kept.
   */
  async keep(
    edits: readonly NewEdit[],
    also: (client: DatabaseClient, versions: ReadonlyMap<string, number>) => Promise<void>,
  ): Promise<ReadonlyMap<string, number>> {
    const sql =
      'WITH given AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bytea[], ' +
      '$9::text[], $10::text[]) AS g (id, record_id, version, edited_by, change, storage_path, payload_bytes, payload_sha256, schema_name, ' +
      'schema_version)), touched AS (UPDATE quarantine_records AS r SET version = r.version + 1 FROM given WHERE r.id = given.record_id ' +
      "AND r.version = given.version AND r.status IN ('quarantined', 'in_review') RETURNING r.id, r.version), kept AS (INSERT INTO record_edits " +
      '(id, record_id, edited_by, change, storage_path, payload_bytes, payload_sha256, schema_name, schema_version) SELECT given.id, record_id, ' +
      'edited_by, change, storage_path, payload_bytes, payload_sha256, schema_name, schema_version FROM given JOIN touched ON touched.id = record_id) ' +
      'SELECT id, version FROM touched';
    const column = (value: (edit: NewEdit) => unknown) => edits.map(value);
    const values = [
      column(({ id }) => id),
      column(({ recordId }) => recordId),
      column(({ recordVersion }) => recordVersion),
      column(({ by }) => by),
      column(({ change }) => change),
      column(({ storagePath }) => storagePath),
      column(({ payloadBytes }) => payloadBytes),
      column(({ payloadSha256 }) => payloadSha256),
      column(({ schema }) => schema?.name ?? null),
      column(({ schema }) => schema?.version ?? null),
    ];
    return this.#database.withClient(async (client) => {
      await client.query('BEGIN');
      const { rows } = await client.query<{ id: string; version: number }>(sql, values);
      const versions = new Map(rows.map(({ id, version }) => [id, version]));
      if (versions.size > 0) await also(client, versions);
      await client.query('COMMIT');
      return versions;
    });
  }

  async find(id: string): Promise<StoredEdit | null> {
    return (await this.#query(`SELECT ${editColumns} FROM record_edits WHERE id = $1`, [id]))[0] ?? null;
  }

  /** Edits of a record from behind the edit `after` on, oldest first. */
  async list(recordId: string, { after, limit }: { after: string | null; limit: number }): Promise<StoredEdit[]> {
    const sql =
      `SELECT ${editColumns} FROM record_edits WHERE record_id = $1 AND ($2::uuid IS NULL OR (edited_at, id) > ` +
      '(SELECT edited_at, id FROM record_edits WHERE id = $2)) ORDER BY edited_at, id LIMIT $3';
    return this.#query(sql, [recordId, after, limit]);
  }

  /** The newest edits of a record, at most `limit`, oldest first. */
  async newest(recordId: string, limit: number): Promise<StoredEdit[]> {
    const sql = `SELECT ${editColumns} FROM record_edits WHERE record_id = $1 ORDER BY edited_at DESC, id DESC LIMIT $2`;
    return (await this.#query(sql, [recordId, limit])).reverse();
  }

  async #query(sql: string, values: unknown[]): Promise<StoredEdit[]> {
    return (await this.#database.withClient((client) => client.query<StoredEdit & Record<string, unknown>>(sql, values))).rows;
  }
}
