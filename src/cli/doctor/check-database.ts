import type { Settings } from '../../config/settings.ts';
import { type DatabaseClient, openDatabase } from '../../drivers/postgres/database.ts';
import { type Check, examine, failed, ok, warning } from './check.ts';

/** More than a network's delay, and enough to confuse whoever compares times of rows, logs and messages. */
const skewMsMax = 5_000;

/** The database: does it answer, does it take our writes, are tables and rights there, does its clock agree with ours? */
export async function checkDatabase({ postgres }: Settings): Promise<Check[]> {
  const { url, migrate } = postgres;
  if (url === null) return [failed('database', 'postgres.url is not set', 'Set DQ_POSTGRES_URL.')];
  return examine('database', async () => {
    const database = openDatabase({ url, poolMax: 1 });
    try {
      return await database.withClient(async (client) => [
        ...(await checkServer(client)),
        ...(await checkTables(client, migrate)),
        ...(await checkClock(client)),
      ]);
    } finally {
      await database.close();
    }
  });
}

interface ServerRow {
  readonly version: string;
  readonly encoding: string;
  readonly standby: boolean;
}

async function checkServer(client: DatabaseClient): Promise<Check[]> {
  const sql = `SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS standby`;
  const { version, encoding, standby } = (await client.query<ServerRow>(sql)).rows[0] as ServerRow;
  const checks: Check[] = [ok('database', `PostgreSQL ${version}`)];
  if (standby) checks.push(failed('database', 'takes no writes: it is a standby, or read-only', 'Point postgres.url at the primary.'));
  if (encoding !== 'UTF8')
    checks.push(failed('database', `is encoded as ${encoding}`, 'Create it with ENCODING UTF8: paths may hold any character.'));
  return checks;
}

interface RightsRow {
  readonly present: boolean;
  readonly missing: readonly string[];
  readonly create: boolean;
  readonly temporary: boolean;
}

async function checkTables(client: DatabaseClient, migrate: boolean): Promise<Check[]> {
  const sql = `SELECT present.is AS present,
      ARRAY(SELECT wanted FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS wanted
        WHERE present.is AND NOT has_table_privilege('quarantine_records', wanted)) AS missing,
      coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS create,
      has_database_privilege(current_database(), 'TEMPORARY') AS temporary
    FROM (SELECT to_regclass('quarantine_records') IS NOT NULL AS is) AS present`;
  const { present, missing, create, temporary } = (await client.query<RightsRow>(sql)).rows[0] as RightsRow;
  const checks: Check[] = [];
  if (!temporary)
    checks.push(failed('rights', 'may not make temporary tables', 'GRANT TEMPORARY ON DATABASE to the user of postgres.url.'));
  if (missing.length > 0)
    checks.push(failed('rights', `lacks ${missing.join(', ')} on quarantine_records`, 'GRANT them to the user of postgres.url.'));
  if (!present) {
    if (!create) checks.push(failed('tables', 'are missing, and this user may not make them', 'Run dq migrate as their owner.'));
    else if (migrate) checks.push(ok('tables', 'are missing; dq run will make them'));
    else checks.push(failed('tables', 'are missing, and postgres.migrate is false', 'Run dq migrate.'));
  } else if (missing.length === 0) checks.push(ok('tables', 'are there, with the rights on them'));
  return checks;
}

async function checkClock(client: DatabaseClient): Promise<Check[]> {
  const before = Date.now();
  const { rows } = await client.query<{ ms: number }>('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms');
  const skewMs = Math.round((rows[0]?.ms ?? Number.NaN) - (before + Date.now()) / 2);
  const detail = `the database's clock is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  return [Math.abs(skewMs) <= skewMsMax ? ok('clock', detail) : warning('clock', detail, 'Run a time service (NTP) on both.')];
}
