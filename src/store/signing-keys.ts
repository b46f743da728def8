import type { Database } from '../drivers/postgres/database.ts';

/** The key of that name; `make` gives it where there is none yet. Several instances agree on one. */
export async function signingKey(database: Database, name: string, make: () => string): Promise<string> {
  return database.withClient(async (client) => {
    await client.query('INSERT INTO signing_keys (name, private_key) VALUES ($1, $2) ON CONFLICT DO NOTHING', [name, make()]);
    const { rows } = await client.query<{ private_key: string }>('SELECT private_key FROM signing_keys WHERE name = $1', [name]);
    return rows[0]?.private_key ?? '';
  });
}
