import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { openDatabase } from '../drivers/postgres/database.ts';
import { DataQuarantineError, hasCode, messageOf } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';

const migrationsTable = 'dataquarantine_migrations';

/**
 * Brings the tables to the newest version and returns the names of the migrations that it ran: none if all was done before. They
 * run in one transaction; instances that start together wait for each other. The tables come into the first schema of the search path.
 */
export async function migrate(url: string): Promise<readonly string[]> {
  const database = openDatabase({ url, poolMax: 1 });
  try {
    return await database.withClient(async (client) => {
      const { rows } = await client.query<{ schema: string | null }>('SELECT current_schema() AS schema');
      const done = await runner({
        dbClient: client,
        dir: join(packageRoot, 'src/store/migrations'),
        direction: 'up',
        migrationsTable,
        migrationsSchema: rows[0]?.schema ?? 'public',
        advisoryLockMode: 'wait',
        log: () => {},
      });
      return done.map(({ name }) => name);
    });
  } catch (error) {
    throw hasCode(error, 'DQ_POSTGRES_REFUSED') ? explained(error) : error;
  } finally {
    await database.close();
  }
}

function explained(error: DataQuarantineError): DataQuarantineError {
  const remedy = 'run `dq migrate` as a user who may create tables in the schema, then set postgres.migrate: false';
  return new DataQuarantineError(error.code, `the tables cannot be brought to the newest version: ${messageOf(error)}; ${remedy}`, { cause: error });
}
