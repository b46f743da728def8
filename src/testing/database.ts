import { afterAll, inject } from 'vitest';
import { openDatabase } from '../drivers/postgres/database.ts';
import { requireSuffix } from './require-suffix.ts';
import { createDatabase, dropDatabase, freshName, urlOfDatabase } from './template-database.ts';

requireSuffix('database.ts', ['pg', 'e2e', 'browser']);

const made: string[] = [];

/** The URL of a new database with all tables and no rows, this test file's own. It is dropped when the file has ended. */
export async function freshDatabase(): Promise<string> {
  const name = freshName('test');
  await createDatabase(postgresUrl(), name, inject('templateDatabase'));
  made.push(name);
  return urlOfDatabase(postgresUrl(), name);
}

/** The superuser's URL of the server, for what a test does to the server itself. */
export function postgresUrl(): string {
  const postgres = inject('postgres');
  if (postgres === null) throw new Error('PostgreSQL was not started for this run');
  return postgres.url;
}

// Registered first, so that it runs after every hook of the file: what is still connected then was leaked.
afterAll(async () => {
  const leaks = await connectionsTo(made);
  if (leaks.length > 0) throw new Error(`A pool or connection was not closed: ${leaks.join(', ')}`);
  for (const name of made) await dropDatabase(postgresUrl(), name);
});

/** A server ends a session a moment after its client has closed it, so it is asked for a while. */
async function connectionsTo(databases: readonly string[]): Promise<string[]> {
  if (databases.length === 0) return [];
  const database = openDatabase({ url: postgresUrl(), poolMax: 1 });
  const sql = `SELECT format('%s in %s: %s', application_name, datname, left(query, 80)) AS leak FROM pg_stat_activity WHERE datname = ANY($1)`;
  try {
    for (let tries = 1; ; tries += 1) {
      const { rows } = await database.withClient((client) => client.query<{ leak: string }>(sql, [databases]));
      if (rows.length === 0 || tries === 20) return rows.map(({ leak }) => leak);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await database.close();
  }
}
