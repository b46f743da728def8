import type { Database } from '../drivers/postgres/database.ts';

/** A sign-in that is under way at the provider. */
export interface KeptLogin {
  readonly idSha256: Buffer;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
  readonly expiresAtMs: number;
}

/** The table of sign-ins under way. */
export class LoginStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async keep({ idSha256, state, nonce, codeVerifier, returnTo, expiresAtMs }: KeptLogin): Promise<void> {
    await this.#database.withClient(async (client) => {
      await client.query('DELETE FROM review_logins WHERE expires_at < now()');
      await client.query(
        'INSERT INTO review_logins (id_sha256, state, nonce, code_verifier, return_to, expires_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [idSha256, state, nonce, codeVerifier, returnTo, new Date(expiresAtMs)],
      );
    });
  }

  /** Gives a sign-in out once: whoever comes again with the same one finds nothing. */
  async take(idSha256: Buffer, nowMs: number): Promise<Omit<KeptLogin, 'idSha256' | 'expiresAtMs'> | null> {
    const { rows } = await this.#database.withClient((client) =>
      client.query<Omit<KeptLogin, 'idSha256' | 'expiresAtMs'>>(
        'DELETE FROM review_logins WHERE id_sha256 = $1 AND expires_at > $2 ' +
          'RETURNING state, nonce, code_verifier AS "codeVerifier", return_to AS "returnTo"',
        [idSha256, new Date(nowMs)],
      ),
    );
    return rows[0] ?? null;
  }
}
