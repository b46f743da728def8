import { expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { silentLog } from '../observe/log.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { dq } from '../testing/command-line.ts';
import { type Engine, openStage, type Stage, type StageOptions } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';

/*
 * The flood breaker of the whole service: what becomes of a topic whose messages are suddenly all bad. Every test ends with the ledger.
 */

const partitions = 4;
const timestamp = Date.now();

/** Runs of messages, one after another, over all partitions of the source: so many good ones, so many of each bad kind. */
class Feed {
  readonly #publisher: ClientPublisher;
  readonly #topic: string;
  count = 0;

  private constructor(publisher: ClientPublisher, topic: string) {
    this.#publisher = publisher;
    this.#topic = topic;
  }

  static async open(stage: Stage, topic = stage.source): Promise<Feed> {
    const publisher = await ClientPublisher.open({
      client: { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} },
      messageBytesMax: new Map([[topic, 2 ** 20]]),
      log: silentLog(),
      onFatal: () => {},
    });
    return new Feed(publisher, topic);
  }

  good = (messages: number) =>
    this.#feed(
      messages,
      (id) => `{"_schema":"user_event","user_id":"USER000001","event_type":"view","timestamp":"2026-01-01T00:00:00Z","event_id":"${id}"}`,
    );
  bad = (messages: number) => this.#feed(messages, (id) => `{"_schema":"no_such_schema","id":${id}}`);
  malformed = (messages: number) => this.#feed(messages, (id) => `{"id":${id}`);

  async #feed(messages: number, valueOf: (id: number) => string): Promise<void> {
    const lot = Array.from({ length: messages }, (_, index) => {
      const id = this.count + index;
      return buildMessage({ partition: id % partitions, timestamp, key: Buffer.from(`${id}`), value: Buffer.from(valueOf(id)) });
    });
    await publishMessages(this.#publisher, this.#topic, lot);
    this.count += messages;
  }

  close = () => this.#publisher.close();
}

const openFloodStage = (flood: string, options: StageOptions = {}) =>
  openStage({
    source: { partitions },
    ...options,
    settings: `kafka: { client: { session.timeout.ms: 6000 } }\nflood: { window: 1000, consecutive: 200, ${flood} }\n${options.settings ?? ''}`,
  });

async function health({ address }: Engine, stage: Stage): Promise<{ status: number; detail: string }> {
  const response = await fetch(`${address}/readyz`);
  const { checks } = (await response.json()) as { checks: { name: string; reason: string | null }[] };
  return { status: response.status, detail: checks.find(({ name }) => name === `flood ${stage.source}`)?.reason ?? '' };
}

async function floodState({ address }: Engine, topic: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(new RegExp(`^dataquarantine_flood_state\\{topic="${topic}"\\} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function committedCount({ wire, group, source }: Stage): Promise<number> {
  const offsets = (await wire.committed(group, [source])).get(source) ?? [];
  return offsets.reduce<number>((sum, offset) => sum + (offset ?? 0), 0);
}

async function storagePaths({ database }: Stage): Promise<string[]> {
  const { rows } = await database.withClient((client) =>
    client.query<{ storage_path: string }>('SELECT storage_path FROM quarantine_records ORDER BY partition, "offset"'),
  );
  return rows.map((row) => row.storage_path);
}

async function balances(stage: Stage, engine: Engine, fed: number, quarantined: number): Promise<void> {
  await stage.committed();
  expect(await engine.stop()).toBe(0);
  const { counts, unaccounted, disordered } = await stage.verify();
  expect(unaccounted).toEqual([]);
  expect(disordered.count).toBe(0);
  expect(counts).toMatchObject({ in: fed, quarantined, unaccounted: 0, duplicates: 0 });
}

test('alert: the flood is told in log, readiness and metrics, everything is quarantined as usual', async () => {
  const stage = await openFloodStage('action: alert');
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await feed.good(500);
  await feed.bad(900);
  await until(async () => (await floodState(engine, stage.source)) === 1);
  const { status, detail } = await health(engine, stage);
  expect(status).toBe(200);
  expect(detail).toMatch(/are bad; \d+ of one cause, schema_not_found.*all are quarantined as usual/);
  expect(engine.log.filter(({ msg }) => String(msg).includes('is in flood:'))).toHaveLength(1);
  await feed.close();
  await balances(stage, engine, 1_400, 900);
  expect((await storagePaths(stage)).every((path) => path.includes('.seg#'))).toBe(true);
});

test('sample: the first of each cause are kept whole, the others are pointers to the source, and the ledger is whole', async () => {
  const stage = await openFloodStage('action: sample, sampleCount: 10');
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await feed.bad(400);
  await until(async () => (await floodState(engine, stage.source)) === 2);
  await stage.committed();
  const before = (await storagePaths(stage)).length;
  await feed.bad(2_000);
  await feed.malformed(200);
  await feed.close();
  await stage.committed();
  const paths = await storagePaths(stage);
  const whole = paths.filter((path) => path.includes('.seg#'));
  // Before the breaker tripped all are kept whole, then ten of each cause and partition.
  expect(whole.length).toBeLessThanOrEqual(before + 2 * 10 * partitions);
  expect(whole.length).toBeGreaterThanOrEqual(10 * partitions);
  const pointers = paths.filter((path) => path.startsWith('kafka:'));
  expect(pointers.length + whole.length).toBe(2_600);
  expect(pointers.at(-1)).toMatch(new RegExp(`^kafka:${stage.source}/${partitions - 1}/\\d+$`));
  const letters = await deadLetters(stage);
  expect(letters.filter(({ ref }) => ref?.startsWith('kafka:'))).toHaveLength(pointers.length);
  for (const { ref, value } of letters) {
    const hasPayload = value['original_message'] !== null || typeof value['original_message_base64'] === 'string';
    expect(hasPayload).toBe(!ref?.startsWith('kafka:'));
    expect(value['storage_path']).toBe(ref);
  }
  await balances(stage, engine, 2_600, 2_600);
});

async function deadLetters({ wire, dlq }: Stage): Promise<{ ref: string | null; value: Record<string, unknown> }[]> {
  const letters: { ref: string | null; value: Record<string, unknown> }[] = [];
  for (const [partition, to] of (await wire.ends(dlq)).entries()) {
    await wire.read({ topic: dlq, partition, from: 0, to }, async (records) => {
      for (const { headers, value } of records) {
        const ref = headers.find(({ name }) => name === 'dq.payload.ref')?.value ?? null;
        letters.push({ ref: ref && String(ref), value: JSON.parse(String(value)) as Record<string, unknown> });
      }
    });
  }
  return letters;
}

test('sample: a topic whose retention may take a message too soon keeps all of them whole', async () => {
  const stage = await openFloodStage('action: sample, sampleCount: 10', { source: { partitions, configs: { 'retention.ms': '3600000' } } });
  const engine = await stage.start();
  const feed = await Feed.open(stage);
  await feed.bad(1_200);
  await feed.close();
  await until(async () => (await floodState(engine, stage.source)) === 2);
  await balances(stage, engine, 1_200, 1_200);
  expect((await storagePaths(stage)).every((path) => path.includes('.seg#'))).toBe(true);
});

test.each(['native', 'client'])(
  'pause in the %s lane: the topic stands still over a restart, with the membership kept, until it is lifted; nothing is lost or doubled',
  async (lane) => {
    const stage = await openFloodStage('action: pause', { env: { DQ_LANE: lane } });
    const first = await stage.start();
    const feed = await Feed.open(stage);
    await feed.good(2_000);
    await stage.committed();
    await feed.bad(3_000);
    await until(async () => (await floodState(first, stage.source)) === 3);
    const { status, detail } = await health(first, stage);
    expect([status, detail]).toEqual([200, expect.stringContaining(`is paused until "dq flood lift ${stage.source}"`)]);
    await feed.good(1_000);
    await until(async () => (await shownBreakers(stage))[0]?.state === 'flood');
    expect((await shownBreakers(stage))[0]).toMatchObject({
      topic: stage.source,
      action: 'pause',
      reason: expect.stringContaining('are bad'),
    });
    expect(await first.stop()).toBe(0);
    const stoodAt = await committedCount(stage);
    expect(stoodAt).toBeLessThan(5_000);

    const second = await stage.start();
    await until(async () => (await floodState(second, stage.source)) === 3);
    await until(async () => second.log.some(({ msg }) => msg === 'consumption of the topic is paused'));
    expect(await committedCount(stage)).toBe(stoodAt);
    expect((await storagePaths(stage)).length).toBeLessThan(3_000);

    await lift(stage);
    await until(async () => (await floodState(second, stage.source)) === 0);
    await feed.close();
    await balances(stage, second, 6_000, 3_000);
  },
);

test('pause: another source topic flows on', async () => {
  const other = await openStage({ source: { partitions } });
  const stage = await openFloodStage('action: alert');
  const settings = `flood: { window: 1000, consecutive: 200 }\ntopics:\n  ${stage.source}: { flood: { action: pause } }\n`;
  const both = await openStage({ settings, env: { DQ_KAFKA_SOURCE_TOPICS: `${stage.source},${other.source}` } });
  const engine = await both.start();
  const [flooding, sound] = [await Feed.open(stage), await Feed.open(other)];
  await Promise.all([flooding.bad(2_000), sound.good(2_000)]);
  await until(async () => (await floodState(engine, stage.source)) === 3);
  await sound.good(2_000);
  await until(async () => (await committedCount({ ...both, source: other.source })) === 4_000);
  expect(await committedCount({ ...both, source: stage.source })).toBeLessThan(2_000);
  await Promise.all([flooding.close(), sound.close()]);
  expect(await engine.stop()).toBe(0);
});

async function shownBreakers(stage: Stage): Promise<{ state: string }[]> {
  const { stdout } = await dq('flood ls --json --set flood.action=pause', { env: stage.env });
  return (JSON.parse(stdout) as { items: { state: string }[] }).items;
}

async function lift(stage: Stage): Promise<void> {
  const { exitCode } = await dq(`flood lift ${stage.source} --for 10m`, { env: stage.env });
  expect(exitCode).toBe(0);
}

test('flood lift names the topics that there are', async () => {
  const stage = await openFloodStage('action: pause');
  const { exitCode, stderr } = await dq('flood lift no-such-topic', { env: stage.env });
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`is none of kafka.sourceTopics (${stage.source})`)]);
});
