import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../drivers/postgres/database.ts';
import { packageRoot } from '../lib/package-root.ts';
import { freshDatabase } from '../testing/database.ts';
import { migrate } from './migrate.ts';

const migrations = (await readdir(join(packageRoot, 'src/store/migrations'))).map((file) => file.replace('.sql', '')).sort();

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const database = openDatabase({ url, poolMax: 1 });
  try {
    return (await database.withClient((client) => client.query<Record<string, unknown>>(sql))).rows;
  } finally {
    await database.close();
  }
}

/** A database with an empty schema `fresh`, first in the search path of the URL. */
async function freshSchema(): Promise<string> {
  const url = new URL(await freshDatabase());
  await query(url.href, 'CREATE SCHEMA fresh');
  url.searchParams.set('options', '-c search_path=fresh');
  return url.href;
}

test('instances that start together make the tables once, where the search path says', async () => {
  const url = await freshSchema();
  const done = await Promise.all([migrate(url), migrate(url), migrate(url)]);
  expect(done.flat()).toEqual(migrations);
  const tables = await query(url, `SELECT count(*)::int FROM pg_tables WHERE schemaname = 'fresh' AND tablename = 'quarantine_records'`);
  expect(tables).toEqual([{ count: 1 }]);
});

test('where all is done nothing is done', async () => {
  const url = await freshDatabase();
  expect(await migrate(url)).toEqual([]);
});

test('without the right to create tables the error names the user, the schema and the remedy', async () => {
  const url = new URL(await freshSchema());
  const name = `dq_lowly_${randomBytes(4).toString('hex')}`;
  await query(url.href, `CREATE ROLE ${name} LOGIN PASSWORD 'lowly'; GRANT USAGE ON SCHEMA fresh TO ${name}`);
  const lowly = new URL(url);
  lowly.username = name;
  lowly.password = 'lowly';
  const failure = migrate(lowly.href);
  await expect(failure).rejects.toEqual(expect.objectContaining({ code: 'DQ_POSTGRES_REFUSED' }));
  await expect(failure).rejects.toThrow(new RegExp(`${name} may not create tables in the schema fresh.*grant CREATE.*dq migrate`));
  await query(url.href, `DROP OWNED BY ${name}; DROP ROLE ${name}`);
});
