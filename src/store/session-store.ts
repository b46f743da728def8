import type { Database } from '../drivers/postgres/database.ts';
import type { Caller, Role } from '../model/access.ts';

/** A session as it is kept. */
export interface KeptSession {
  readonly idSha256: Buffer;
  readonly tokenSha256: string | null;
  readonly caller: Caller;
  readonly expiresAtMs: number;
}

interface SessionRow {
  readonly name: string;
  readonly token_sha256: string | null;
  readonly role: Role;
  readonly payload_read: boolean;
  readonly topic_prefixes: string[];
  readonly csrf_token: string;
  readonly expires_at: Date;
}

/** The table of sessions. What has expired is not found, and goes when the next session is opened. */
export class SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async keep({ idSha256, tokenSha256, caller, expiresAtMs }: KeptSession): Promise<void> {
    const { name, role, payloadRead, topicPrefixes, csrfToken } = caller;
    await this.#database.withClient(async (client) => {
      await client.query('DELETE FROM review_sessions WHERE expires_at < now()');
      await client.query(
        'INSERT INTO review_sessions (id_sha256, token_sha256, name, role, payload_read, topic_prefixes, csrf_token, expires_at) ' +
          'VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
        [idSha256, tokenSha256, name, role, payloadRead, topicPrefixes, csrfToken, new Date(expiresAtMs)],
      );
    });
  }

  async find(idSha256: Buffer, nowMs: number): Promise<KeptSession | null> {
    const { rows } = await this.#database.withClient((client) =>
      client.query<SessionRow>('SELECT * FROM review_sessions WHERE id_sha256 = $1 AND expires_at > $2', [idSha256, new Date(nowMs)]),
    );
    const [row] = rows;
    if (!row) return null;
    return {
      idSha256,
      tokenSha256: row.token_sha256,
      caller: {
        name: row.name,
        role: row.role,
        payloadRead: row.payload_read,
        topicPrefixes: row.topic_prefixes,
        csrfToken: row.csrf_token,
      },
      expiresAtMs: row.expires_at.getTime(),
    };
  }

  async end(idSha256: Buffer): Promise<void> {
    await this.#database.withClient((client) => client.query('DELETE FROM review_sessions WHERE id_sha256 = $1', [idSha256]));
  }
}
