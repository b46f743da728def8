import { createHash } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { Quarantined, StoredPlace } from '../model/record.ts';
import type { Fault } from '../model/verdict.ts';
import { freshDatabase } from '../testing/database.ts';
import type { StoredRow } from './copy-rows.ts';
import { recordId } from './record-id.ts';
import { RecordStore } from './record-store.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let databaseUrl = '';
beforeAll(async () => {
  databaseUrl = await freshDatabase();
});

/** A store on this file's database, in which nothing is stored. */
async function freshStore(): Promise<{ store: RecordStore; database: Database }> {
  const opened = openStore(databaseUrl);
  await query(opened.database, 'TRUNCATE quarantine_records');
  return opened;
}

/** A store as an instance of its own has it. */
function openStore(url: string): { store: RecordStore; database: Database } {
  const database = openDatabase({ url, poolMax: 4 });
  closers.push(() => database.close());
  return { store: new RecordStore(database), database };
}

const quarantinedAt = Date.UTC(2025, 10, 3, 12, 0, 0, 123);

const fault: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected a string',
  field_path: 'items[3].sku',
  instance_path: '/items/3/sku',
  engine: 'js',
  keyword: 'type',
  fingerprint: 'v1:0123456789abcdef0123456789abcdef',
  schema_name: 'user_event',
  schema_version: '1.1.0',
};

/** The row of the message at `offset` of partition 3. Its payload lies in segment `segment`. */
function rowOf(offset: number, segment = 'first', overrides: Partial<Quarantined> = {}): StoredRow {
  const value = Buffer.from(`value ${offset}`);
  const record: Quarantined = {
    id: recordId({ clusterId: 'cluster', topicId: 'topic', partition: 3, offset }),
    topic: 'raw-events',
    partition: 3,
    offset,
    timestamp: 1_700_000_000_123,
    key: Buffer.from('user-1'),
    value,
    packedHeaders: Buffer.alloc(0),
    fault,
    payloadSha256: createHash('sha256').update(value).digest(),
    quarantinedAt,
    ...overrides,
  };
  return { record, storagePath: `raw-events/${segment}.seg#${offset}+${value.length}` };
}

const rowsOf = (from: number, to: number, segment?: string) => Array.from({ length: to - from }, (_, at) => rowOf(from + at, segment));
const placeOf = ({ record, storagePath }: StoredRow): StoredPlace => ({
  storagePath,
  fingerprint: record.fault.fingerprint,
  quarantinedAt: record.quarantinedAt,
});
const placesOf = (rows: readonly StoredRow[]) => new Map(rows.map((row) => [row.record.id, placeOf(row)]));
const anotherPayload = { payloadSha256: createHash('sha256').update('another').digest() };

async function query(database: Database, sql: string): Promise<Record<string, unknown>[]> {
  return (await database.withClient((client) => client.query<Record<string, unknown>>(sql))).rows;
}
const count = async (database: Database) => Number((await query(database, 'SELECT count(*) FROM quarantine_records'))[0]?.['count']);

test('on a first pass every row is stored as it came, and nothing is returned', async () => {
  const { store, database } = await freshStore();
  const row = rowOf(2 ** 40 + 5);
  expect(await store.insert([row])).toEqual(new Map());
  expect(await query(database, 'SELECT * FROM quarantine_records')).toEqual([
    {
      id: row.record.id,
      topic: 'raw-events',
      partition: 3,
      offset: String(2 ** 40 + 5),
      timestamp: new Date(1_700_000_000_123),
      key: Buffer.from('user-1'),
      schema_name: 'user_event',
      schema_version: '1.1.0',
      error_type: 'schema_violation',
      error_message: 'expected a string',
      field_path: 'items[3].sku',
      instance_path: '/items/3/sku',
      keyword: 'type',
      fingerprint: fault.fingerprint,
      storage_path: row.storagePath,
      payload_bytes: row.record.value.length,
      payload_sha256: row.record.payloadSha256,
      status: 'quarantined',
      quarantined_at: new Date(quarantinedAt),
      version: 1,
      attempts: 0,
      inserted_xid: expect.any(String),
    },
  ]);
});

test('no rows are no work', async () => {
  const { store } = await freshStore();
  expect(await store.insert([])).toEqual(new Map());
});

test('a null key is not an empty one', async () => {
  const { store, database } = await freshStore();
  await store.insert([
    rowOf(1, 'first', { key: null }),
    rowOf(2, 'first', { key: Buffer.alloc(0) }),
    rowOf(3, 'first', { key: Buffer.from([0, 255]) }),
  ]);
  const keys = await query(database, 'SELECT key FROM quarantine_records ORDER BY "offset"');
  expect(keys.map(({ key }) => key)).toEqual([null, Buffer.alloc(0), Buffer.from([0, 255])]);
});

test('a timestamp is kept where it is a date, and never stops a batch', async () => {
  const { store, database } = await freshStore();
  const timestamps = [0, 8.64e15, -1, 8.64e15 + 2, 2 ** 63, -(2 ** 63)];
  await store.insert(timestamps.map((timestamp, offset) => rowOf(offset, 'first', { timestamp })));
  const stored = await query(database, `SELECT extract(epoch FROM timestamp)::text AS s FROM quarantine_records ORDER BY "offset"`);
  expect(stored.map(({ s }) => s)).toEqual(['0.000000', '8640000000000.000000', null, null, null, null]);
});

test('whatever the texts hold, the batch goes in; NUL and lone surrogates become U+FFFD', async () => {
  const { store, database } = await freshStore();
  const textArbitrary = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\0', '\ud800', '\udfff', 'ä', '😀', '\\', '\t', '\n', '.', '"') }),
  );
  const textsArbitrary = fc.record({
    error_message: textArbitrary,
    field_path: fc.option(textArbitrary),
    instance_path: fc.option(textArbitrary),
    keyword: fc.option(textArbitrary),
    schema_name: fc.option(textArbitrary),
    schema_version: fc.option(textArbitrary),
  });
  let offset = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(textsArbitrary, { minLength: 1, maxLength: 30 }), async (batch) => {
      const rows = batch.map((texts) => rowOf(offset++, 'first', { fault: { ...fault, ...texts } }));
      await store.insert(rows);
      const columns = Object.keys(batch[0] ?? {}).join(', ');
      const stored = await query(
        database,
        `SELECT ${columns} FROM quarantine_records WHERE "offset" >= ${offset - rows.length} ORDER BY "offset"`,
      );
      const asStored = (text: string | null) => text && Buffer.from(text.replaceAll('\0', '\ufffd')).toString();
      expect(stored).toEqual(batch.map((texts) => Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, asStored(text)]))));
    }),
    { numRuns: 20 },
  );
});

test('a repeat adds no row, changes none, and returns what is stored', async () => {
  const { store, database } = await freshStore();
  const first = rowsOf(0, 500, 'first');
  await store.insert(first);
  await query(database, `UPDATE quarantine_records SET status = 'in_review', version = 2`);
  const before = await query(database, 'SELECT * FROM quarantine_records ORDER BY "offset"');
  const later = { quarantinedAt: quarantinedAt + 60_000, fault: { ...fault, fingerprint: 'v1:another' } };
  for (let pass = 0; pass < 3; pass += 1) {
    const repeats = await store.insert(Array.from({ length: 500 }, (_, offset) => rowOf(offset, 'second', later)));
    expect(repeats).toEqual(placesOf(first));
  }
  expect(await query(database, 'SELECT * FROM quarantine_records ORDER BY "offset"')).toEqual(before);
});

test('what is new among repeats is stored, and the way back to first passes is found', async () => {
  const { store, database } = await freshStore();
  await store.insert(rowsOf(0, 100, 'first'));
  expect(await store.insert(rowsOf(50, 150, 'second'))).toEqual(placesOf(rowsOf(50, 100, 'first')));
  expect(await store.insert(rowsOf(150, 200, 'third'))).toEqual(new Map());
  expect(await store.insert(rowsOf(200, 250, 'fourth'))).toEqual(new Map());
  expect(await store.insert(rowsOf(0, 250, 'fifth'))).toEqual(
    placesOf([...rowsOf(0, 100, 'first'), ...rowsOf(100, 150, 'second'), ...rowsOf(150, 200, 'third'), ...rowsOf(200, 250, 'fourth')]),
  );
  expect(await count(database)).toBe(250);
});

test('the same record twice in one call is one row, whose place is returned', async () => {
  const { store, database } = await freshStore();
  expect(await store.insert([rowOf(1, 'first'), rowOf(2, 'first'), rowOf(1, 'second')])).toEqual(placesOf([rowOf(1, 'first')]));
  expect(await store.insert([rowOf(1, 'third'), rowOf(3, 'third'), rowOf(1, 'fourth')])).toEqual(placesOf([rowOf(1, 'first')]));
  expect(await count(database)).toBe(3);
});

test('a record that comes with another payload is a conflict, and nothing of its call is stored', async () => {
  const { store, database } = await freshStore();
  await store.insert([rowOf(7)]);
  for (const rows of [
    [rowOf(8), rowOf(7, 'second', anotherPayload), rowOf(9)],
    [rowOf(8), rowOf(8, 'second', anotherPayload)],
  ]) {
    await expect(store.insert(rows)).rejects.toEqual(expect.objectContaining({ code: 'DQ_RECORD_CONFLICT' }));
    await expect(store.insert(rows)).rejects.toThrow(/raw-events\/3\/[78] /);
  }
  expect(await count(database)).toBe(1);
  expect(await store.insert([rowOf(8)])).toEqual(new Map());
});

test('instances that insert the same records at once all end well, and agree on what is stored', async () => {
  const { database } = await freshStore();
  const instances = ['a', 'b', 'c'].map((name) => ({ name, ...openStore(databaseUrl) }));
  for (let from = 0; from < 10_000; from += 1_000) {
    // Each has its own order and some records that the others do not have yet.
    const believed = await Promise.all(
      instances.map(async ({ name, store }, at) => {
        const rows = rowsOf(from, from + 1_000 + at * 100, name);
        const repeats = await store.insert(at === 1 ? rows.toReversed() : rows);
        return rows.map((row) => [row.record.id, repeats.get(row.record.id)?.storagePath ?? row.storagePath] as const);
      }),
    );
    const stored = await query(database, `SELECT id, storage_path FROM quarantine_records WHERE "offset" >= ${from}`);
    const pathsById = new Map(stored.map(({ id, storage_path: path }) => [id, path]));
    expect(believed.flat().filter(([id, path]) => pathsById.get(id) !== path)).toEqual([]);
  }
  expect(await count(database)).toBe(10_200);
});

test('rows that went in although the answer was lost are found again', async () => {
  const { database } = await freshStore();
  const proxy = await openProxyThatLoses('COPY 100', databaseUrl);
  const { store } = openStore(proxy.url);
  const rows = rowsOf(0, 100, 'first');
  await expect(store.insert(rows)).rejects.toEqual(expect.objectContaining({ code: 'DQ_COPY_INTERRUPTED', retryable: true }));
  expect(await count(database)).toBe(100);
  expect(await store.insert(rows)).toEqual(placesOf(rows));
});

test('a row that vanishes between two statements is no repeat: the call may be tried again', async () => {
  const { store, database } = openStore(await freshDatabase());
  await store.insert([rowOf(1)]);
  await store.insert([rowOf(1)]);
  await query(database, `CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`);
  await query(database, 'CREATE TRIGGER vanish BEFORE INSERT ON quarantine_records FOR EACH ROW EXECUTE FUNCTION vanish()');
  await expect(store.insert([rowOf(2)])).rejects.toEqual(expect.objectContaining({ code: 'DQ_COPY_INTERRUPTED', retryable: true }));
});

test('a missing table is refused, with the reason', async () => {
  const { store, database } = openStore(await freshDatabase());
  await query(database, 'DROP TABLE quarantine_records');
  await expect(store.insert([rowOf(1)])).rejects.toEqual(expect.objectContaining({ code: 'DQ_POSTGRES_REFUSED', retryable: false }));
});

/** A proxy before a real server. The first answer with `text` in it does not come through: the connection closes instead. */
async function openProxyThatLoses(text: string, serverUrl: string): Promise<{ url: string }> {
  const upstream = new URL(serverUrl);
  let lost = false;
  const proxy = createServer((near) => {
    const far = connect(Number(upstream.port), upstream.hostname);
    near.on('close', () => far.destroy()).on('error', () => {});
    far.on('close', () => near.destroy()).on('error', () => {});
    near.pipe(far);
    far.on('data', (answer) => {
      if (lost || !answer.includes(text)) return near.write(answer);
      lost = true;
      return far.destroy();
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise<void>((resolve) => proxy.close(() => resolve())));
  const url = new URL(serverUrl);
  url.port = String((proxy.address() as AddressInfo).port);
  return { url: url.href };
}
