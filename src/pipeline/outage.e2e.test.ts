import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { packageRoot } from '../lib/package-root.ts';
import { silentLog } from '../observe/log.ts';
import { migrate } from '../store/migrate.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { type Engine, openStage, type Stage } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';
import { sampleEvents } from '../testing/sample-events.ts';
import { freePorts } from '../testing/services/free-ports.ts';
import { openPostgres } from '../testing/services/postgres-server.ts';
import { openS3 } from '../testing/services/s3-server.ts';

/*
 * PostgreSQL and the object store go away under the running service. Both are servers of this file alone, since what is done to them
 * would disturb others. Every test ends with the ledger: whatever happened, nothing is lost and no record has two rows.
 */

let postgres: Awaited<ReturnType<typeof openPostgres>>;
let s3: Awaited<ReturnType<typeof openS3>>;
const outageMs = 10_000;
const drainMsMax = 30_000;

beforeAll(async () => {
  [postgres, s3] = await Promise.all([openPostgres({}), openS3({})]);
});

beforeEach(async () => {
  for (const { server } of [postgres, s3]) {
    await server.resume();
    if (server.pid === null) await server.start();
  }
});

afterAll(async () => {
  await Promise.all([postgres.server.close(), s3.server.close()]);
});

async function openOutageStage(spool = 'commit: true', env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const url = new URL(postgres.url);
  url.searchParams.set('options', `-c search_path=s${Date.now()}`);
  const database = openDatabase({ url: postgres.url, poolMax: 1 });
  await database.withClient((client) => client.query(`CREATE SCHEMA ${(url.searchParams.get('options') as string).split('=')[1]}`));
  await database.close();
  await migrate(url.href);
  return openStage({ env, postgresUrl: url.href, s3, settings: `kafka: { client: { session.timeout.ms: 6000 } }\nspool: { ${spool} }\n` });
}

/** Writes sample events, 20 % of them bad, one lot after another until it is stopped. */
class Feed {
  readonly #events = sampleEvents({ seed: 7, invalid: 0.2 });
  readonly #stage: Stage;
  readonly #publisher: ClientPublisher;
  #running: Promise<void> | null = null;
  #stopped = false;
  count = 0;

  private constructor(stage: Stage, publisher: ClientPublisher) {
    this.#stage = stage;
    this.#publisher = publisher;
  }

  static async open(stage: Stage): Promise<Feed> {
    const publisher = await ClientPublisher.open({
      client: { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} },
      messageBytesMax: new Map([[stage.source, 2 ** 20]]),
      log: silentLog(),
      onFatal: () => {},
    });
    return new Feed(stage, publisher);
  }

  async lot(messages = 100): Promise<void> {
    const lot = Array.from({ length: messages }, (_, index) => {
      const { key, value, headers } = this.#events.next();
      const at = this.count + index;
      return buildMessage({ partition: at % 8, timestamp: 1_767_225_600_000 + at, key, value, headers });
    });
    await publishMessages(this.#publisher, this.#stage.source, lot);
    this.count += messages;
  }

  start(): void {
    this.#running = (async () => {
      while (!this.#stopped) {
        await this.lot();
        await sleep(50);
      }
    })();
  }

  async end(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#publisher.close();
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function validCount({ wire, valid }: Stage): Promise<number> {
  return (await wire.ends(valid)).reduce((sum, end) => sum + end, 0);
}

async function metric({ address }: Engine, name: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const [, value] = new RegExp(`^dataquarantine_${name} (\\S+)$`, 'm').exec(text) ?? [];
  return Number(value);
}

async function until(what: string, msMax: number, holds: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + msMax; !(await holds()); await sleep(100))
    if (performance.now() > endMs) throw new Error(`${what} did not come within ${msMax} ms`);
}

/** The end of every test: all is committed, the spool is empty, and the ledger balances. */
async function balances(stage: Stage, engine: Engine, fed: number): Promise<void> {
  await until('an empty spool', drainMsMax, async () => (await metric(engine, 'spool_bytes')) === 0);
  await stage.committed();
  expect(await engine.stop()).toBe(0);
  const { counts, unaccounted } = await stage.verify();
  expect(unaccounted).toEqual([]);
  expect(counts).toMatchObject({ in: fed, spooled: 0, unaccounted: 0, reclassified: 0 });
  expect(counts.quarantined).toBeGreaterThan(0);
}

const outages = {
  'PostgreSQL is killed': { sink: 'postgres', begin: () => postgres.server.kill(), end: () => postgres.server.start() },
  'PostgreSQL hangs': { sink: 'postgres', begin: () => postgres.server.pause(), end: () => postgres.server.resume() },
  'the object store is killed': { sink: 'storage', begin: () => s3.server.kill(), end: () => s3.server.start() },
  'the object store hangs': { sink: 'storage', begin: () => s3.server.pause(), end: () => s3.server.resume() },
};

test.each(Object.entries(outages))('%s for 10 s: the same process goes on, valid messages flow, nothing is lost', async (_, outage) => {
  const stage = await openOutageStage();
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  feed.start();
  await until('the first valid messages', 30_000, async () => (await validCount(stage)) > 500);
  await outage.begin();
  await until('an open circuit', 30_000, async () => (await metric(engine, `circuit_state\\{sink="${outage.sink}"\\}`)) > 0);
  const before = await validCount(stage);
  await sleep(outageMs);
  expect(await metric(engine, 'spool_bytes')).toBeGreaterThan(0);
  await until('valid messages that flow on', drainMsMax, async () => (await validCount(stage)) - before > 2_000);
  expect((await fetch(`${engine.address}/readyz`)).status).toBe(200);
  await outage.end();
  await until('a closed circuit', drainMsMax, async () => (await metric(engine, `circuit_state\\{sink="${outage.sink}"\\}`)) === 0);
  await feed.end();
  await balances(stage, engine, feed.count);
});

test('a service that is stopped with a spool drains it after its next start, and verify knows what waits', async () => {
  const stage = await openOutageStage();
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await postgres.server.kill();
  for (let lots = 0; lots < 20; lots++) await feed.lot();
  await stage.committed();
  expect(await engine.stop()).toBe(0);
  await postgres.server.start();
  const { counts } = await stage.verify();
  expect(counts).toMatchObject({ in: feed.count, quarantined: 0, unaccounted: 0 });
  expect(counts.spooled).toBeGreaterThan(300);
  await feed.end();
  await balances(stage, await stage.start(), feed.count);
});

test('a service that is killed with a spool loses nothing', async () => {
  const stage = await openOutageStage();
  const feed = await Feed.open(stage);
  feed.start();
  for (let round = 0; round < 3; round++) {
    const engine = await stage.start();
    await postgres.server.kill();
    await until('something in the spool', 60_000, async () => (await metric(engine, 'spool_bytes')) > 0);
    await sleep(1_000);
    await engine.kill();
    await postgres.server.start();
  }
  await feed.end();
  await balances(stage, await stage.start(), feed.count);
});

test('a full spool stops consumption and says so; with PostgreSQL back, all goes on', async () => {
  const stage = await openOutageStage('commit: true, bytesMax: 1MiB');
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await postgres.server.kill();
  for (let lots = 0; lots < 60; lots++) await feed.lot(1_000);
  await until('a full spool', 60_000, async () => (await fetch(`${engine.address}/readyz`)).status === 503);
  const { checks } = (await (await fetch(`${engine.address}/readyz`)).json()) as { checks: { name: string; reason: string | null }[] };
  expect(checks.find(({ name }) => name === 'spool')?.reason).toContain('spool.bytesMax');
  expect(await metric(engine, 'spool_bytes')).toBeLessThanOrEqual(2 ** 20);
  expect((await fetch(`${engine.address}/healthz`)).status).toBe(200);
  await postgres.server.start();
  await until('readiness', drainMsMax, async () => (await fetch(`${engine.address}/readyz`)).status === 200);
  await feed.end();
  await balances(stage, engine, feed.count);
});

test('where offsets must not hang on the spool, they wait, and nothing is lost', async () => {
  const stage = await openOutageStage('commit: false');
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await postgres.server.kill();
  for (let lots = 0; lots < 10; lots++) await feed.lot();
  await until('readiness taken away', 60_000, async () => (await fetch(`${engine.address}/readyz`)).status === 503);
  expect(await metric(engine, 'spool_bytes')).toBe(0);
  await postgres.server.start();
  await feed.end();
  await balances(stage, engine, feed.count);
});

test('PostgreSQL and the object store are away when the service starts: it waits, says so, and starts when they are there', async () => {
  const [port] = await freePorts(1);
  const stage = await openOutageStage('commit: true', { DQ_HTTP_PORT: String(port) });
  await Promise.all([postgres.server.kill(), s3.server.kill()]);
  const starting = stage.start();
  const awaited = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    const { checks = [] } = ((await response?.json()) ?? {}) as { checks?: { name: string; ready: boolean; reason: string | null }[] };
    return checks.find(({ ready, reason }) => !ready && reason !== 'not started yet')?.name ?? null;
  };
  await until('word of PostgreSQL', 60_000, async () => (await awaited()) === 'postgres');
  await postgres.server.start();
  await until('word of the object store', 60_000, async () => (await awaited()) === 'storage');
  await s3.server.start();
  const engine = await starting;
  const feed = await Feed.open(stage);
  await feed.lot(500);
  await feed.end();
  await balances(stage, engine, feed.count);
});

test('a service that waits for PostgreSQL ends with code 0 when it is asked to', async () => {
  const [port] = await freePorts(1);
  const stage = await openOutageStage('commit: true', { DQ_HTTP_PORT: String(port) });
  await postgres.server.kill();
  const child = spawn(process.execPath, [join(packageRoot, 'bin/dq.cjs'), 'run'], {
    env: { PATH: process.env['PATH'], ...stage.env },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await until('word of PostgreSQL', 60_000, async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.status === 503);
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
});

test('SIGTERM while PostgreSQL hangs ends with everything settled, into the spool', async () => {
  const stage = await openOutageStage();
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await postgres.server.pause();
  for (let lots = 0; lots < 5; lots++) await feed.lot();
  await until('something in the spool', 60_000, async () => (await metric(engine, 'spool_bytes')) > 0);
  // A service that could not end in time would end with 1.
  expect(await engine.stop()).toBe(0);
  await postgres.server.resume();
  await feed.end();
  await balances(stage, await stage.start(), feed.count);
});
