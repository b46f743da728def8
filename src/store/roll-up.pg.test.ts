import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { type Database, type DatabaseClient, openDatabase } from '../drivers/postgres/database.ts';
import { freshDatabase } from '../testing/database.ts';
import { countFresh, RollUp } from './roll-up.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A quarantined record; what is not said is that of a user_event without a user_id, of now. */
interface Made {
  readonly id?: string;
  readonly at?: Date;
  readonly fingerprint?: string;
  readonly topic?: string;
  readonly schema?: string | null;
  readonly version?: string | null;
  readonly field?: string | null;
  readonly keyword?: string | null;
  readonly key?: string | null;
  readonly path?: string;
}

interface Stage {
  readonly database: Database;
  readonly rollUp: RollUp;
  readonly round: () => Promise<{ records: number; groups: readonly object[] }>;
}

async function openStage(setting?: string): Promise<Stage> {
  const url = await freshDatabase();
  const first = openDatabase({ url, poolMax: 1 });
  if (setting) await first.withClient((client) => client.query(`ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET ${setting}`));
  await first.close();
  const database = openDatabase({ url, poolMax: 4 });
  closers.push(() => database.close());
  const rollUp = new RollUp(database);
  const round = async () => {
    const { records, groups } = await rollUp.round(async () => {});
    return { records, groups };
  };
  return { database, rollUp, round };
}

let offset = 0;
async function insert(client: DatabaseClient, records: readonly Made[]): Promise<string[]> {
  const ids: string[] = [];
  for (const { id = randomUUID(), at = new Date(), fingerprint = 'v1:missing', topic = 'raw-events', ...made } of records) {
    const {
      schema = 'user_event',
      version = '1.0.0',
      field = 'user_id',
      keyword = 'required',
      key = null,
      path = `a.seg#${offset}+5`,
    } = made;
    await client.query(
      `INSERT INTO quarantine_records (id, topic, partition, "offset", key, schema_name, schema_version, error_type, error_message, field_path,
         keyword, fingerprint, storage_path, payload_bytes, payload_sha256, quarantined_at)
       VALUES ($1, $2, 0, $3, $4, $5, $6, 'schema_violation', '"user_id" is required', $7, $8, $9, $10, 5, '\\x00', $11)`,
      [id, topic, offset++, key === null ? null : Buffer.from(key), schema, version, field, keyword, fingerprint, path, at],
    );
    ids.push(id);
  }
  return ids;
}

const add = ({ database }: Stage, ...records: readonly Made[]) => database.withClient((client) => insert(client, records));

async function ask<Row extends object>({ database }: Stage, sql: string): Promise<Row[]> {
  return (await database.withClient((client) => client.query<Row>(sql))).rows;
}

interface Cause {
  readonly topic: string;
  readonly schema_name: string | null;
  readonly keyword: string | null;
  readonly first_seen: Date;
  readonly last_seen: Date;
  readonly sample_id: string;
  readonly quarantined: number;
}

const causesOf = (stage: Stage) =>
  ask<Cause>(
    stage,
    'SELECT topic, schema_name, keyword, first_seen, last_seen, sample_id, quarantined::int FROM review_causes ORDER BY topic, schema_name, keyword',
  );

test('a transaction that commits behind two rounds is counted by the third, and only there', async () => {
  const stage = await openStage();
  await stage.database.withClient(async (old) => {
    await old.query('BEGIN');
    await insert(old, [{ key: 'late' }, {}]);
    await add(stage, { key: 'first' });
    expect(await stage.round()).toMatchObject({ records: 1, groups: [{ records: 1, isNew: true }] });
    await add(stage, { key: 'second' }, {});
    expect(await stage.round()).toMatchObject({ records: 2, groups: [{ records: 2, isNew: false }] });
    await old.query('COMMIT');
  });
  expect(await stage.round()).toMatchObject({ records: 2, groups: [{ records: 2, isNew: false }] });
  expect(await stage.round()).toEqual({ records: 0, groups: [] });
  expect(await causesOf(stage)).toMatchObject([{ quarantined: 5 }]);
  expect(await ask(stage, 'SELECT text FROM review_keys ORDER BY text')).toEqual([{ text: 'first' }, { text: 'late' }, { text: 'second' }]);
  expect(await ask(stage, 'SELECT sum(records)::int AS records FROM review_flow WHERE hourly')).toEqual([{ records: 5 }]);
});

test('a transaction that was rolled back is never counted, and does not keep the next from being', async () => {
  const stage = await openStage();
  await stage.database.withClient(async (old) => {
    await old.query('BEGIN');
    await insert(old, [{}]);
    await add(stage, {});
    expect(await stage.round()).toMatchObject({ records: 1 });
    await old.query('ROLLBACK');
  });
  await add(stage, {});
  expect(await stage.round()).toMatchObject({ records: 1 });
  expect(await causesOf(stage)).toMatchObject([{ quarantined: 2 }]);
});

test('columns that are null belong to the cause, and are not the same as empty ones', async () => {
  const stage = await openStage();
  const nothing = { fingerprint: 'v1:malformed', schema: null, version: null, field: null, keyword: null };
  await add(stage, nothing, nothing, { ...nothing, schema: '' }, { ...nothing, keyword: '' });
  const { groups } = await stage.round();
  expect(groups).toMatchObject([{ fingerprint: 'v1:malformed', records: 4, versions: [] }]);
  const counts = (await causesOf(stage)).map((cause) => [cause.schema_name, cause.keyword, cause.quarantined]);
  expect(counts).toEqual([
    ['', null, 1],
    [null, '', 1],
    [null, null, 2],
  ]);
  await add(stage, nothing);
  await stage.round();
  expect((await causesOf(stage)).map(({ quarantined }) => quarantined)).toEqual([1, 1, 3]);
});

test('records on both sides of midnight are in minutes and hours of UTC, wherever the server is', async () => {
  const stage = await openStage("timezone = 'Asia/Kathmandu'");
  const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const at = (ms: number) => ({ at: new Date(midnight + ms) });
  await add(stage, at(-60_000), at(-1), at(0), at(59_999), at(60_000), at(3_599_999));
  await stage.round();
  await add(stage, at(-1), at(1));
  await stage.round();
  const flow = (hourly: boolean) =>
    ask<{ at: Date; records: number }>(stage, `SELECT at, records::int FROM review_flow WHERE hourly = ${hourly} ORDER BY at`);
  const told = (rows: readonly { at: Date; records: number }[]) => rows.map((row) => [row.at.getTime() - midnight, row.records]);
  expect(told(await flow(false))).toEqual([
    [-60_000, 3],
    [0, 3],
    [60_000, 1],
    [3_540_000, 1],
  ]);
  expect(told(await flow(true))).toEqual([
    [-3_600_000, 3],
    [0, 5],
  ]);
});

test('the sample of a cause is its newest record, in whatever order and round they come', async () => {
  const stage = await openStage();
  const now = Date.now();
  const at = (ms: number) => new Date(now + ms);
  const newest = randomUUID();
  await add(stage, { at: at(-120_000) }, { at: at(5), id: newest, path: 'newest.seg#1+2' }, { at: at(4) }, { at: at(-60_000) });
  const { groups } = await stage.round();
  expect(groups).toMatchObject([{ records: 4, samplePath: 'newest.seg#1+2', versions: ['1.0.0'] }]);
  expect(await causesOf(stage)).toMatchObject([{ sample_id: newest, first_seen: at(-120_000), last_seen: at(5) }]);
  await add(stage, { at: at(-180_000) }, { at: at(3) });
  await stage.round();
  expect(await causesOf(stage)).toMatchObject([{ sample_id: newest, first_seen: at(-180_000), last_seen: at(5), quarantined: 6 }]);
  const [newer] = await add(stage, { at: at(6) }, { at: at(-1) });
  await stage.round();
  expect(await causesOf(stage)).toMatchObject([{ sample_id: newer, first_seen: at(-180_000), last_seen: at(6), quarantined: 8 }]);
});

test('each cause has the sample of its own, and a group one of them', async () => {
  const stage = await openStage();
  const [american, european] = await add(
    stage,
    { topic: 'a', version: '1.0.0', path: 'american.seg#1+5' },
    { topic: 'b', version: '1.1.0', path: 'european.seg#2+5' },
    { fingerprint: 'v1:other', path: 'other.seg#3+5' },
  );
  const { groups, records } = await stage.round();
  expect(records).toBe(3);
  expect(groups).toMatchObject([
    {
      fingerprint: 'v1:missing',
      records: 2,
      versions: ['1.0.0', '1.1.0'],
      samplePath: expect.stringMatching(/^(american\.seg#1|european\.seg#2)\+5$/) as string,
    },
    { fingerprint: 'v1:other', records: 1, samplePath: 'other.seg#3+5' },
  ]);
  expect((await causesOf(stage)).slice(0, 2)).toMatchObject([
    { topic: 'a', sample_id: american },
    { topic: 'b', sample_id: european },
  ]);
});

test('the new rows are gone through once to count them and once for their keys, however few the planner takes them for', async () => {
  const stage = await openStage();
  await add(stage, {});
  await ask(stage, 'ANALYZE quarantine_records');
  const plan = await stage.database.withClient((client) =>
    client.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${countFresh}`, values: ['1', '1:1:', '1'] }),
  );
  const scans = plan.rows.map((row) => row['QUERY PLAN'].trim()).filter((line) => line.includes('CTE Scan on fresh'));
  expect(scans).toHaveLength(2);
});
