import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Header } from '../../model/header.ts';
import { brokers, freshTopic, freshTopics } from '../../testing/broker.ts';
import { lettersOf, textHeaders } from '../../testing/dead-letters.ts';
import { type Engine, openStage, type Stage } from '../../testing/engine.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../../testing/raw-records.ts';
import { deleteRecordsBefore } from '../../testing/raw-requests.ts';
import { type Listed, reviewCaller } from '../../testing/review-caller.ts';
import { readAll, saleSchema } from '../../testing/review-desk.ts';
import type { Group } from '../contract/groups.ts';
import type { Page } from '../contract/page.ts';
import type { Edit, RecordDetail, RecordItem } from '../contract/records.ts';
import type { Replay } from '../contract/replays.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dq-intake-'));
  mkdirSync(join(folder, 'sale'));
  writeFileSync(join(folder, 'sale/1.0.0.yaml'), saleSchema);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Scene {
  readonly stage: Stage;
  /** Where the messages were, and where their dead letters are. */
  readonly orders: string;
  readonly letters: string;
}

async function publish(topic: string, records: readonly Partial<RawRecord>[]): Promise<void> {
  const whole = records.map((record) => ({ key: null, value: null, headers: [], timestamp: 1_750_000_000_000, ...record }));
  await produceRaw({ broker: brokers(), topic, partition: 0, batch: encodeBatch(whole) });
}

const own: readonly Header[] = [
  { name: 'traceparent', value: Buffer.from('00-ab-cd-01') },
  { name: 'none', value: null },
  { name: 'bytes', value: Buffer.from([0, 255]) },
];
const good = ' { "id" : 1, "amount" : 9007199254740993.10 } ';
const bytes = Buffer.from([0, 0, 0, 0, 7, 0xff, 0xfe]);

async function publishLetters({ stage, orders, letters }: Scene): Promise<void> {
  const at = (offset: number) => ({ topic: orders, partition: 1, offset });
  await publish(stage.source, [{ value: Buffer.from('{"_schema":"sale","id":1,"amount":1}') }]);
  await publish(letters, [
    { key: Buffer.from('k'), value: Buffer.from(good), headers: [...own, ...lettersOf.kafka_connect(at(40))] },
    { key: Buffer.from('t'), value: null, headers: lettersOf.kafka_connect(at(41)) },
    { key: Buffer.alloc(0), value: bytes, headers: [...own, ...lettersOf.kafka_streams(at(42))] },
    { value: Buffer.from('{"id":3,"amount":"x"}'), headers: lettersOf.spring_kafka(at(43)) },
    { value: Buffer.alloc(0), headers: [...lettersOf.smallrye(at(44)), ...own] },
    { key: Buffer.from('7'), value: Buffer.from('{}'), headers: lettersOf.confluent_rules(at(45)) },
    { headers: lettersOf.share_group(at(46)) },
    { value: Buffer.from('{}'), headers: [...own, ...textHeaders({ 'dq.replay.attempt': '3' })] },
    { value: Buffer.from('{}'), headers: lettersOf.kafka_connect({ topic: stage.source, partition: 0, offset: 0 }) },
  ]);
}

async function openScene(): Promise<Scene> {
  const [orders, letters] = (await freshTopics(['orders', 'orders-dlt'], { partitions: 2 })) as [string, string];
  const stage = await openStage({
    env: { DQ_SCHEMAS_DIR: folder, DQ_INTAKE_TOPICS: `${letters},there-is-no-such-topic` },
    settings: `replay: { targets: [${orders}] }\ntopics:\n  ${orders}: { schema: sale }\n`,
  });
  return { stage, orders, letters };
}

type Of = (family: string, offset?: number) => RecordItem;

function finder(items: readonly RecordItem[]): Of {
  return (family, offset) =>
    items.find((item) => item.family === family && (offset === undefined || item.offset === String(offset))) as RecordItem;
}

test('dead letters of every family become records, once, and go back to where they came from', async () => {
  const scene = await openScene();
  const { stage, letters, orders } = scene;
  await publishLetters(scene);
  const first = await stage.start();
  await expectRecords(first, scene);
  await expectReplays(first, scene);
  await expectMessages(scene);
  await stage.committed();
  expect(await stage.verify()).toMatchObject({ counts: { in: 1, valid: 1, quarantined: 0, unaccounted: 0 }, unaccounted: [] });

  await first.stop();
  await publish(letters, [{ value: Buffer.from('{}'), headers: lettersOf.spring_kafka({ topic: orders, partition: 1, offset: 47 }) }]);
  const second = await stage.start();
  const { items: before } = await reviewCaller(second).records(10);
  await second.stop();
  // As if it had ended before it could write down how far it was.
  await stage.database.withClient((client) => client.query('DELETE FROM intake_positions'));
  const third = reviewCaller(await stage.start());
  const isRead = async () =>
    (await stage.database.withClient((client) => client.query('SELECT FROM intake_positions WHERE offset_next = 10'))).rowCount === 1;
  while (!(await isRead())) await new Promise((resolve) => setTimeout(resolve, 100));
  const { items: after } = await third.records(10);
  expect(after.map(({ id, status }) => [id, status])).toEqual(before.map(({ id, status }) => [id, status]));
  expect(after.filter(({ status }) => status === 'replayed')).toHaveLength(6);
});

test('what retention took before it was read is told, and a log that was cut is read from its beginning', async () => {
  const letters = await freshTopic('orders-dlt', { partitions: 2 });
  const stage = await openStage({ env: { DQ_INTAKE_TOPICS: letters } });
  const letter = (text: string) => ({ value: Buffer.from(text) });
  await publish(letters, [letter('first')]);
  const first = await stage.start();
  const sql = 'SELECT FROM intake_positions WHERE offset_next = $1';
  const isAt = async (next: number) => (await stage.database.withClient((client) => client.query(sql, [next]))).rowCount === 1;
  const untilAt = async (next: number) => {
    while (!(await isAt(next))) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  await untilAt(1);
  await first.stop();

  await publish(letters, [letter('taken'), letter('taken, too'), letter('left')]);
  await deleteRecordsBefore({ topic: letters, partition: 0 }, 3);
  const second = await stage.start();
  await untilAt(4);
  expect((await reviewCaller(second).records(2)).items.map(({ offset }) => offset).toSorted()).toEqual(['0', '3']);
  expect(second.log).toContainEqual(expect.objectContaining({ level: 'error', topic: letters, partition: 0, missed: 2 }));
  const metrics = async () => (await fetch(`${second.address}/metrics`)).text();
  expect(await metrics()).toContain(`dataquarantine_intake_missed_total{topic="${letters}"} 2`);
  await second.stop();

  await stage.database.withClient((client) => client.query('UPDATE intake_positions SET offset_next = 9'));
  await publish(letters, [letter('new')]);
  const third = await stage.start();
  await untilAt(5);
  expect((await reviewCaller(third).records(3)).items.map(({ offset }) => offset).toSorted()).toEqual(['0', '3', '4']);
  expect(JSON.stringify(third.log)).toContain(
    `${letters}/0 was cut: it ends at offset 5, and was read up to 9 before; read again from 3 on`,
  );
});

test('a dead letter that kills native code is kept like any other, and the service lives', async () => {
  const [script, bitten] = [join(folder, 'deadly.mjs'), join(folder, 'bitten')];
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs';
    const { dlopen } = process;
    process.dlopen = (module, file, ...rest) => {
      dlopen.call(process, module, file, ...rest);
      const { judge } = module.exports;
      if (!file.endsWith('judge.node')) return;
      const deadly = (catalog, columns, from, to) => {
        if (Buffer.from(columns.bytes).includes('deadly')) process.kill(process.pid, 'SIGKILL');
        return judge(catalog, columns, from, to);
      };
      if (typeof judge !== 'function') return;
      module.exports = Object.create(module.exports, { judge: { value: deadly } });
      writeFileSync(${JSON.stringify(bitten)}, '');
    };`,
  );
  const letters = await freshTopic('orders-dlt', { partitions: 2 });
  const env = { DQ_SCHEMAS_DIR: folder, DQ_INTAKE_TOPICS: letters, DQ_ENGINE: 'native', NODE_OPTIONS: `--import=${script}` };
  const stage = await openStage({ env });
  await publish(letters, [
    { value: Buffer.from('{"_schema":"sale","id":1,"amount":1}') },
    { value: Buffer.from('{"_schema":"sale","id":"deadly"}') },
  ]);
  const { items } = await reviewCaller(await stage.start()).records(2);
  expect(items.map(({ offset, schema_name }) => `${offset} of ${schema_name}`).toSorted()).toEqual(['0 of sale', '1 of sale']);
  // Otherwise there was nothing deadly about it.
  expect(existsSync(bitten)).toBe(true);
});

async function expectRecords(engine: Engine, { orders, letters }: Scene): Promise<void> {
  const { call, records } = reviewCaller(engine);
  const { items, facets } = await records(9);
  const of = finder(items);
  expect(Object.fromEntries(facets?.family.map(({ value, count }) => [value, count]) ?? [])).toEqual({
    kafka_connect: 3,
    kafka_streams: 1,
    spring_kafka: 1,
    smallrye: 1,
    confluent_rules: 1,
    share_group: 1,
    unknown: 1,
  });
  expect(of('spring_kafka')).toMatchObject({ topic: orders, partition: 1, offset: '43', error_type: 'dead_letter', schema_name: 'sale' });
  expect(of('spring_kafka').timestamp).toBe('2023-11-14T22:13:20.123Z');
  expect(of('kafka_streams')).toMatchObject({ topic: orders, schema_name: null, key: '', payload_bytes: bytes.length });
  expect(of('unknown')).toMatchObject({ topic: letters, partition: 0, offset: '7' });
  expect(of('confluent_rules')).toMatchObject({ topic: letters, offset: '5' });
  const { body: detail } = await call<RecordDetail>(`/records/${of('kafka_connect', 40).id}`);
  expect(detail.dead_letter).toMatchObject({ topic: letters, partition: 0, offset: '0', origin_topic: orders, value_is_null: false });
  expect(detail.dead_letter).toMatchObject({
    exception: 'org.apache.kafka.connect.errors.DataException',
    message: expect.stringContaining('serialization error') as string,
  });
  expect(detail.headers.map(({ name }) => name)).toEqual(
    [...own, ...lettersOf.kafka_connect({ topic: orders, partition: 1, offset: 40 })].map(({ name }) => name),
  );
  const filtered = await call<Listed>('/records?family=spring_kafka');
  expect(filtered.body.items.map(({ id }) => id)).toEqual([of('spring_kafka').id]);
  const groups = await call<Page<Group>>('/groups?family=kafka_connect');
  expect(groups.body.items).toMatchObject([{ family: 'kafka_connect', count: 3 }]);
  const metrics = await (await fetch(`${engine.address}/metrics`)).text();
  expect(metrics).toContain('dataquarantine_intake_records_total{family="kafka_connect"} 3');
  expect(JSON.stringify(engine.log)).toContain('there-is-no-such-topic');
}

async function expectReplays(engine: Engine, { stage, orders }: Scene): Promise<void> {
  const { call, records, replay } = reviewCaller(engine);
  const of = finder((await records(9)).items);
  const toItsTopic = { ids: [of('kafka_connect', 40).id, of('kafka_connect', 41).id, of('kafka_streams').id, of('smallrye').id] };
  expect(await replay(toItsTopic)).toMatchObject({ state: 'done', target: orders, progress: { published: 4, failed: 0 } });
  // It does not say which partition it was in; its key belongs into the second one.
  expect(await replay({ ids: [of('confluent_rules').id] })).toMatchObject({ state: 'done', target: orders });
  const refused = async (body: object) => (await call<{ detail: string }>('/replays', body)).body.detail;
  expect(await refused({ ids: [of('unknown').id] })).toContain('Name a target');
  expect(await refused({ ids: [of('share_group').id, of('unknown').id] })).toContain('Name a target');
  expect(await refused({ ids: [of('kafka_connect', 0).id] })).toContain(
    `may not publish to "${stage.source}". These dead letters came from there`,
  );
  const held = await call<Replay>('/replays', { ids: [of('kafka_streams').id, of('share_group').id], target: stage.valid });
  expect(held.body.report.forecast).toMatchObject({ will_pass: 0, already_replayed: 1, still_fails: 1 });

  const used = await call<Replay>('/replays', { ids: [of('unknown').id], target: orders });
  expect(used.body.report.forecast).toMatchObject({ will_pass: 0, attempts_used: 1 });

  const spring = of('spring_kafka').id;
  expect((await call<Replay>('/replays', { ids: [spring] })).body.report.forecast).toMatchObject({ still_fails: 1 });
  const mended = await call<Edit>(`/records/${spring}/edits`, { value: '{"id":3, "amount":3}' }, { 'if-match': '1' });
  expect([mended.status, mended.body.schema_name]).toEqual([201, 'sale']);
  expect(await replay({ ids: [spring] })).toMatchObject({ state: 'done', target: orders });
}

async function expectMessages({ stage, orders }: Scene): Promise<void> {
  const [none, back] = await readAll(stage.wire, orders);
  expect(none).toEqual([]);
  expect(back?.map(({ key, value }) => [key?.toString() ?? null, value])).toEqual([
    ['k', Buffer.from(good)],
    ['t', null],
    ['', bytes],
    [null, Buffer.alloc(0)],
    ['7', Buffer.from('{}')],
    [null, Buffer.from('{"id":3, "amount":3}')],
  ]);
  expect(back?.[0]?.headers.slice(0, own.length)).toEqual(own);
  expect(back?.[0]?.headers.slice(own.length).map(({ name }) => name)).toEqual(['dq.replay.id', 'dq.replay.attempt', 'dq.replay.of']);
  expect(back?.[0]?.timestamp).toBe(1_750_000_000_000);
}
