import { createHash } from 'node:crypto';
import type { Database, DatabaseClient } from '../drivers/postgres/database.ts';

/** What somebody did, or tried to. `detail` never holds a value of a payload. */
export interface AuditAction {
  readonly by: string;
  readonly role: string;
  /** `payload.read`, `record.status`, `replay.start`, `denied` and so on. */
  readonly action: string;
  /** The id of what it was done to, null where it was nothing single. */
  readonly subject: string | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

/** An entry as it is kept. */
export interface AuditRow {
  readonly sequence: string;
  readonly at: Date;
  readonly by: string;
  readonly role: string;
  readonly action: string;
  readonly subject: string | null;
  /** JSON text, byte for byte as it was hashed. */
  readonly detail: string | null;
  readonly hash: Buffer;
}

/** What a walk along the chain found. */
export interface AuditVerdict {
  readonly entries: number;
  /** Of the last entry that is as it was written, hex; null where there is none. */
  readonly head: string | null;
  /** The first entry that is not, null where all are. */
  readonly broken: { readonly sequence: string; readonly why: string } | null;
}

export interface AuditQuery {
  readonly limit: number;
  /** Only entries before this one. */
  readonly before: string | null;
  readonly by: string | null;
  readonly action: string | null;
  readonly subject: string | null;
}

/** Any number that no other advisory lock of ours has. */
const lockNumber = 7_263_501_001;
const columns = 'sequence, at, by, role, action, subject, detail::text AS detail, hash';
const pageEntries = 5_000;
const noHash = Buffer.alloc(0);

/**
 * The append-only log of the review. An entry's hash is the SHA-256 of the hash before it and of the entry itself as a JSON array, so
 * that no entry can be changed, taken out or put in between without the rest showing it. Writers wait for one another: a chain has
 * one end. Take the lock late in a transaction, which is what `append` at its end does.
 */
export class AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Writes in a transaction of its own. */
  async append(action: AuditAction): Promise<void> {
    await this.#database.withClient(async (client) => {
      await client.query('BEGIN');
      await appendAudit(client, action);
      await client.query('COMMIT');
    });
  }

  /** Newest first. */
  async list({ limit, before, by, action, subject }: AuditQuery): Promise<AuditRow[]> {
    const sql =
      `SELECT ${columns} FROM review_audit WHERE ($1::bigint IS NULL OR sequence < $1) AND ($2::text IS NULL OR by = $2) ` +
      'AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR subject = $4) ORDER BY sequence DESC LIMIT $5';
    const { rows } = await this.#database.withClient((client) => client.query<AuditRow>(sql, [before, by, action, subject, limit]));
    return rows;
  }

  /** The newest of one subject, at most `limit`, oldest first. */
  async of(subject: string, limit: number): Promise<AuditRow[]> {
    const newest = `SELECT * FROM review_audit WHERE subject = $1 ORDER BY sequence DESC LIMIT $2`;
    const sql = `SELECT ${columns} FROM (${newest}) AS newest ORDER BY newest.sequence`;
    const { rows } = await this.#database.withClient((client) => client.query<AuditRow>(sql, [subject, limit]));
    return rows;
  }

  /** Walks along the whole chain. `known` is a head that was noted before, which must still be on it. */
  async verify(known: string | null): Promise<AuditVerdict> {
    let previous: Buffer = noHash;
    let sequence = 0n;
    let met = known === null;
    for (;;) {
      const sql = `SELECT ${columns} FROM review_audit WHERE sequence > $1 ORDER BY sequence LIMIT ${pageEntries}`;
      const { rows } = await this.#database.withClient((client) => client.query<AuditRow>(sql, [String(sequence)]));
      for (const row of rows) {
        const entries = Number(sequence);
        const head = previous.length === 0 ? null : previous.toString('hex');
        if (BigInt(row.sequence) !== sequence + 1n)
          return { entries, head, broken: { sequence: String(sequence + 1n), why: 'it is missing' } };
        if (!hashOf(previous, row).equals(row.hash))
          return { entries, head, broken: { sequence: row.sequence, why: 'it is not as it was written' } };
        previous = row.hash;
        sequence += 1n;
        met ||= previous.toString('hex') === known;
      }
      if (rows.length < pageEntries) break;
    }
    const head = previous.length === 0 ? null : previous.toString('hex');
    const broken = met ? null : { sequence: String(sequence + 1n), why: 'the head that was noted is no longer on the chain' };
    return { entries: Number(sequence), head, broken };
  }
}

/** Writes within the transaction that `client` is in: the entry is there if, and only if, what it tells of is. */
export async function appendAudit(client: DatabaseClient, action: AuditAction): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
  const { rows } = await client.query<{ sequence: string; hash: Buffer; at: Date }>(
    'SELECT sequence, hash FROM review_audit ORDER BY sequence DESC LIMIT 1',
  );
  const entry = {
    ...action,
    sequence: String(BigInt(rows[0]?.sequence ?? 0) + 1n),
    at: new Date(),
    detail: action.detail === null ? null : JSON.stringify(action.detail),
  };
  const hash = hashOf(rows[0]?.hash ?? noHash, entry);
  const { sequence, at, by, role, subject, detail } = entry;
  await client.query(
    'INSERT INTO review_audit (sequence, at, by, role, action, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
    [sequence, at, by, role, action.action, subject, detail, hash],
  );
}

function hashOf(previous: Buffer, { sequence, at, by, role, action, subject, detail }: Omit<AuditRow, 'hash'>): Buffer {
  const text = JSON.stringify([sequence, at.toISOString(), by, role, action, subject, detail]);
  return createHash('sha256').update(previous).update(text).digest();
}
