import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { type DatabaseClient, openDatabase } from '../drivers/postgres/database.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';

const migrationsTable = 'dataquarantine_migrations';

/**
 * Brings the tables to the newest version and returns the names of the migrations that it ran: none if all was done before. They
 * run in one transaction; instances that start together wait for each other. The tables come into the first schema of the search
 * path, and the user must have the right to create them there even when nothing is left to do.
 */
export async function migrate(url: string): Promise<readonly string[]> {
  const database = openDatabase({ url, poolMax: 1 });
  try {
    return await database.withClient(async (client) => {
      const done = await runner({
        dbClient: client,
        dir: join(packageRoot, 'src/store/migrations'),
        direction: 'up',
        migrationsTable,
        migrationsSchema: await schemaForTables(client),
        advisoryLockMode: 'wait',
        log: () => {},
      });
      return done.map(({ name }) => name);
    });
  } finally {
    await database.close();
  }
}

interface Standing {
  readonly user: string;
  readonly schema: string | null;
  readonly may_create: boolean | null;
}

/** Asked beforehand, because the runner's words for a missing right name neither the user nor the schema. */
async function schemaForTables(client: DatabaseClient): Promise<string> {
  const { rows } = await client.query<Standing>(
    `SELECT current_user AS user, current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS may_create`,
  );
  const { user = '', schema = null, may_create: mayCreate = null } = rows[0] ?? {};
  if (schema !== null && mayCreate) return schema;
  throw new DataQuarantineError(
    'DQ_POSTGRES_REFUSED',
    `the user ${user} may not create tables in the schema ${schema ?? 'that its search path names, for there is none'}: ` +
      'grant CREATE on it, or run `dq migrate` as its owner and set postgres.migrate: false here',
  );
}
