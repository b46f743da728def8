import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { DataQuarantineError } from '../../lib/errors.ts';
import { freshDatabase, postgresUrl } from '../../testing/database.ts';
import { copyIn, type Database, type DatabaseClient, openDatabase, sqlStateOf } from './database.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function opened(url: string, poolMax = 1): Database {
  const database = openDatabase({ url, poolMax });
  closers.push(() => database.close());
  return database;
}

let databaseUrl = '';
beforeAll(async () => {
  databaseUrl = await freshDatabase();
});

/** The URL of this file's database, with one table `numbers` of one column `n`, each number once, and nothing in it. */
async function freshNumbers(): Promise<string> {
  const sql = 'DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (n integer PRIMARY KEY, filler text)';
  await opened(databaseUrl).withClient((client) => client.query(sql));
  return databaseUrl;
}

const failure = (code: string) => expect.objectContaining({ code });
const unreachable = failure('DQ_POSTGRES_UNREACHABLE');
const refused = failure('DQ_POSTGRES_REFUSED');
const interrupted = failure('DQ_COPY_INTERRUPTED');

const pidOf = async (client: DatabaseClient) => (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
const count = async (database: Database) =>
  Number((await database.withClient((client) => client.query<{ count: string }>('SELECT count(*) FROM numbers'))).rows[0]?.count);
const endSession = (pid: number) => opened(postgresUrl()).withClient((client) => client.query('SELECT pg_terminate_backend($1)', [pid]));

const copySql = 'COPY numbers FROM STDIN';
/** Rows that together are larger than any buffer between us and the server. */
const manyRows = (from: number, to: number) =>
  Buffer.from(Array.from({ length: to - from }, (_, index) => `${from + index}\t${'x'.repeat(1000)}\n`).join(''));

test('a server that is not there may come', async () => {
  const gone = await openProxy(postgresUrl());
  await gone.close();
  await expect(opened(gone.url).check()).rejects.toEqual(unreachable);
});

test('a database that is not there is refused', async () => {
  const url = new URL(postgresUrl());
  url.pathname = '/no_such_database';
  await expect(opened(url.href).check()).rejects.toEqual(refused);
});

test('what the server refuses is told in its words', async () => {
  const database = opened(await freshNumbers());
  const work = database.withClient((client) => client.query('SELECT * FROM no_such_table'));
  await expect(work).rejects.toThrow('relation "no_such_table" does not exist (SQLSTATE 42P01)');
  await expect(work).rejects.toEqual(refused);
});

test('a statement that is cancelled may pass', async () => {
  const database = opened(await freshNumbers());
  await expect(
    database.withClient(async (client) => {
      await client.query("SET statement_timeout = '20ms'");
      await client.query('SELECT pg_sleep(60)');
    }),
  ).rejects.toEqual(unreachable);
});

test('errors of our own, and bugs, go through as they are', async () => {
  const database = opened(await freshNumbers());
  for (const error of [new DataQuarantineError('DQ_RECORD_CONFLICT', 'ours'), new TypeError('a bug')]) {
    await expect(database.withClient(() => Promise.reject(error))).rejects.toBe(error);
  }
});

test('a session that ends under work, between two statements or while idle is replaced, and the process lives on', async () => {
  const database = opened(await freshNumbers());
  const ending = database.withClient(async (client) => client.query('SELECT pg_terminate_backend(pg_backend_pid())'));
  await expect(ending).rejects.toEqual(unreachable);
  const ended = database.withClient(async (client) => {
    const end = new Promise<void>((resolve) => client.once('end', () => resolve()));
    await endSession(await pidOf(client));
    await end;
    await client.query('SELECT 1');
  });
  await expect(ended).rejects.toEqual(unreachable);
  const idle = await database.withClient(pidOf);
  await endSession(idle);
  await expect.poll(() => database.withClient(pidOf).catch(() => idle)).not.toBe(idle);
});

test('what the server says to a connection that failed and is being ended does not end the process', async () => {
  const database = opened(databaseUrl);
  let failed: DatabaseClient | null = null;
  const work = database.withClient(async (client) => {
    failed = client;
    throw new Error('of our own');
  });
  await expect(work).rejects.toThrow('of our own');
  // Without a listener this throws, and from a socket it would be nobody's.
  expect(() => (failed as unknown as DatabaseClient).emit('error', new Error('terminating connection'))).not.toThrow();
});

test('after a failure the connection is closed and what was open is rolled back', async () => {
  const database = opened(await freshNumbers());
  let pid = 0;
  await expect(
    database.withClient(async (client) => {
      pid = await pidOf(client);
      await client.query('BEGIN');
      await client.query('INSERT INTO numbers VALUES (1)');
      throw new TypeError('a bug');
    }),
  ).rejects.toThrow('a bug');
  expect(await database.withClient(pidOf)).not.toBe(pid);
  expect(await count(database)).toBe(0);
});

test('rows copied in are counted and kept', async () => {
  const database = opened(await freshNumbers());
  const copied = database.withClient((client) => copyIn(client, { sql: copySql, bytes: manyRows(0, 10_000), msMax: 60_000 }));
  expect(await copied).toBe(10_000);
  expect(await count(database)).toBe(10_000);
});

test.each([
  ['its first row', 0],
  ['its last row', 9_999],
])('a COPY refused at %s leaves a connection on which the next one works', async (_, taken) => {
  const database = opened(await freshNumbers());
  await database.withClient((client) => client.query('INSERT INTO numbers VALUES ($1)', [taken]));
  await database.withClient(async (client) => {
    const error = await copyIn(client, { sql: copySql, bytes: manyRows(0, 10_000), msMax: 60_000 }).catch((thrown: unknown) => thrown);
    expect(sqlStateOf(error)).toBe('23505');
    expect(await copyIn(client, { sql: copySql, bytes: manyRows(10_000, 20_000), msMax: 60_000 })).toBe(10_000);
  });
  expect(await count(database)).toBe(10_001);
});

test('a COPY into no table is refused', async () => {
  const database = opened(await freshNumbers());
  const copy = database.withClient((client) =>
    copyIn(client, { sql: 'COPY no_such_table FROM STDIN', bytes: manyRows(0, 10_000), msMax: 60_000 }),
  );
  await expect(copy).rejects.toEqual(refused);
});

test('a COPY whose session ends keeps nothing and may be tried again', async () => {
  const url = await freshNumbers();
  const database = opened(url);
  const holder = opened(url);
  await holder.withClient(async (client) => {
    await client.query('BEGIN');
    await client.query('INSERT INTO numbers VALUES (5)');
    await expect(
      database.withClient(async (copying) => {
        const pid = await pidOf(copying);
        const copy = copyIn(copying, { sql: copySql, bytes: manyRows(0, 10_000), msMax: 60_000 });
        // It waits for the other transaction's row, so it cannot end before its session does.
        await Promise.all([expect(copy).rejects.toEqual(interrupted), endSession(pid)]);
        return copy;
      }),
    ).rejects.toEqual(interrupted);
    await client.query('ROLLBACK');
  });
  expect(await count(database)).toBe(0);
});

test('a COPY on a connection that fell silent ends after its time', async () => {
  const proxy = await openProxy(await freshNumbers());
  const database = opened(proxy.url);
  await expect(
    database.withClient(async (client) => {
      await pidOf(client);
      proxy.freeze();
      return copyIn(client, { sql: copySql, bytes: manyRows(0, 10_000), msMax: 50 });
    }),
  ).rejects.toEqual(interrupted);
  proxy.cut();
  expect(await count(database)).toBe(0);
});

interface Proxy {
  /** The server's URL by way of the proxy. */
  readonly url: string;
  /** Lets no more bytes through, in either direction, on the connections that there are. */
  freeze(): void;
  /** Closes the connections that there are. */
  cut(): void;
  close(): Promise<void>;
}

async function openProxy(serverUrl: string): Promise<Proxy> {
  const upstream = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(upstream.port), upstream.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => [near, far].forEach((one) => one.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  closers.push(close);
  return {
    url: url.href,
    freeze: () => sockets.forEach((socket) => socket.unpipe() && socket.pause()),
    cut: () => sockets.forEach((socket) => socket.destroy()),
    close,
  };
}
