import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Header } from '../../model/header.ts';
import { brokers, freshTopics } from '../../testing/broker.ts';
import { lettersOf } from '../../testing/dead-letters.ts';
import { openStage, type Stage } from '../../testing/engine.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../../testing/raw-records.ts';
import { reviewCaller } from '../../testing/review-caller.ts';
import { readAll, saleSchema } from '../../testing/review-desk.ts';
import { type ConnectServer, openConnect } from '../../testing/services/connect-server.ts';
import type { Group } from '../contract/groups.ts';
import type { Page } from '../contract/page.ts';
import type { Edit, RecordDetail, RecordItem } from '../contract/records.ts';
import type { Replay } from '../contract/replays.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dq-connect-'));
  mkdirSync(join(folder, 'sale'));
  writeFileSync(join(folder, 'sale/1.0.0.yaml'), saleSchema);
});
afterAll(() => rmSync(folder, { recursive: true }));

const own: readonly Header[] = [
  { name: 'traceparent', value: Buffer.from('00-ab-cd-01') },
  { name: 'none', value: null },
  { name: 'bytes', value: Buffer.from([0, 255]) },
];
const earlier = { topic: 'orders-of-old', partition: 7, offset: 70 };

/** What Connect is given, by offsets. It can read but the last one; what it says of the one before has a line that looks like a cause. */
const given: readonly Partial<RawRecord>[] = [
  { key: Buffer.from('1'), value: Buffer.from(' {"card" : 4111111111111111  '), headers: own },
  { value: Buffer.from([0, 0, 0, 0, 7, 0xff, 0xfe]) },
  { key: Buffer.from('Jane-Doe'), value: null },
  { value: Buffer.from('{"card" : 42424242'), headers: [...own, ...lettersOf.kafka_connect(earlier)] },
  { key: Buffer.from('3'), value: Buffer.from(String.raw`{ "id": 3, "amount":"Jane Doe\nCaused by: card.N4111: x" }`) },
  { key: Buffer.from('4'), value: Buffer.from('{"id":4,"amount":1.5}') },
];

interface Scene {
  readonly stage: Stage;
  readonly connect: ConnectServer;
  /** Where the messages are, and where Connect puts its dead letters. */
  readonly orders: string;
  readonly letters: string;
  readonly sink: string;
  /** Of all messages, in milliseconds since 1970. */
  readonly timestamp: number;
}

async function openScene(): Promise<Scene> {
  const [orders, letters] = (await freshTopics(['orders', 'connect-dlq'], { partitions: 2 })) as [string, string];
  const stage = await openStage({
    env: { DQ_SCHEMAS_DIR: folder, DQ_INTAKE_TOPICS: letters },
    settings: `replay: { targets: [${orders}] }\ntopics:\n  ${orders}: { schema: sale }\n`,
  });
  const timestamp = Date.now();
  const records = given.map((record) => ({ key: null, value: null, headers: [], timestamp, ...record }));
  await produceRaw({ broker: brokers(), topic: orders, partition: 1, batch: encodeBatch(records) });
  const sink = `sink-of-${orders}`;
  const settings = {
    topics: orders,
    transforms: 'amount',
    'transforms.amount.type': 'org.apache.kafka.connect.transforms.Cast$Value',
    'transforms.amount.spec': 'amount:float64',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': letters,
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  };
  const connect = await openConnect({ brokers: brokers(), name: sink, settings });
  onTestFinished(() => connect.server.close());
  return { stage, connect, orders, letters, sink, timestamp };
}

type Caller = ReturnType<typeof reviewCaller>;
type At = (offset: number) => RecordItem;

async function taken({ records }: Caller, count: number): Promise<At> {
  const { items } = await records(count);
  expect(items).toHaveLength(count);
  return (offset) => items.find((item) => item.offset === String(offset)) as RecordItem;
}

async function untilWritten({ connect }: Scene, lines: number): Promise<string[]> {
  for (;;) {
    const written = await connect.written();
    if (written.length >= lines) return written;
    await sleep(100);
  }
}

test('what a real Kafka Connect gives up is taken in as it was, and comes out of Connect once it is repaired and replayed', async () => {
  const scene = await openScene();
  const engine = await scene.stage.start();
  const caller = reviewCaller(engine);
  const at = await taken(caller, 5);
  await expectRecords(scene, caller, at);
  await expectReplay(scene, caller, at);
  expect(JSON.stringify(engine.log)).not.toMatch(/4111|4242|Jane|Doe/);
});

async function expectRecords(scene: Scene, { call, payload }: Caller, at: At): Promise<void> {
  const { orders, letters, sink, timestamp } = scene;
  const gaveUp = (classes: string, stage: string) => `Kafka Connect gave it up: ${classes}, at ${stage} of connector ${sink}`;
  const noJson = 'DataException, caused by SerializationException, caused by';
  expect([0, 1, 2, 4].map((offset) => at(offset).error_message)).toEqual([
    gaveUp(`${noJson} JsonEOFException`, 'VALUE_CONVERTER'),
    gaveUp(`${noJson} JsonParseException`, 'VALUE_CONVERTER'),
    gaveUp(`${noJson} JsonParseException`, 'KEY_CONVERTER'),
    gaveUp('DataException, caused by NumberFormatException', 'TRANSFORMATION'),
  ]);
  for (const offset of [0, 1, 2, 4]) {
    expect(at(offset)).toMatchObject({ topic: orders, partition: 1, family: 'kafka_connect', error_type: 'dead_letter' });
    expect(at(offset).timestamp).toBe(new Date(timestamp).toISOString());
    expect(await payload(at(offset).id)).toEqual(given[offset]?.value ?? Buffer.alloc(0));
  }
  expect([0, 1, 2, 4].map((offset) => at(offset).key)).toEqual(['1', null, 'Jane-Doe', '3']);
  // Connect puts its headers behind those of an earlier pass: where it was is told by the first, what was wrong by the last.
  expect(at(earlier.offset)).toMatchObject({ topic: earlier.topic, partition: earlier.partition, family: 'kafka_connect' });
  expect(at(earlier.offset).error_message).toBe(gaveUp(`${noJson} JsonEOFException`, 'VALUE_CONVERTER'));

  const detail = async (offset: number) => (await call<RecordDetail>(`/records/${at(offset).id}`)).body;
  const { headers, dead_letter: letter } = await detail(0);
  const bytesOf = (header: Header) => ({ name: header.name, value_base64: header.value?.toString('base64') ?? null });
  expect(headers.slice(0, own.length)).toMatchObject(own.map(bytesOf));
  expect(headers.slice(own.length).map(({ name }) => name)).toEqual(lettersOf.kafka_connect(earlier).map(({ name }) => name));
  expect(letter).toMatchObject({ topic: letters, origin_topic: orders, value_is_null: false });
  expect((await detail(2)).dead_letter).toMatchObject({ value_is_null: true });
  expect((await detail(4)).dead_letter).toMatchObject({
    exception: 'org.apache.kafka.connect.errors.DataException',
    message: expect.stringContaining('Jane Doe') as string,
  });
  const { items: groups } = (await call<Page<Group>>('/groups')).body;
  expect(JSON.stringify(groups)).not.toMatch(/4111|4242|Jane|Doe/);
}

async function expectReplay(scene: Scene, caller: Caller, at: At): Promise<void> {
  const { stage, orders, letters, sink } = scene;
  expect(await untilWritten(scene, 1)).toEqual(['{amount=1.5, id=4}']);
  const edit = await caller.call<Edit>(`/records/${at(4).id}/edits`, { value: '{ "id": 3, "amount":3 }' }, { 'if-match': '1' });
  expect([edit.status, edit.body.schema_name]).toEqual([201, 'sale']);
  const done: Replay = await caller.replay({ ids: [at(2).id, at(4).id] });
  expect(done).toMatchObject({ state: 'done', target: orders, progress: { published: 2, failed: 0 } });

  expect(await untilWritten(scene, 2)).toEqual(['{amount=1.5, id=4}', '{amount=3.0, id=3}']);
  // Nobody has mended the key: Connect gives it up again, and says where it is now.
  await taken(caller, 6);
  const [, back] = await readAll(stage.wire, orders);
  const again = back?.findLastIndex(({ key }) => key?.toString() === 'Jane-Doe') as number;
  expect(again).toBeGreaterThanOrEqual(given.length);
  expect(back?.[again]).toMatchObject({ value: null });
  expect((await taken(caller, 6))(again)).toMatchObject({ topic: orders, partition: 1, key: 'Jane-Doe', status: 'quarantined' });
  expect((await readAll(stage.wire, letters)).flat()).toHaveLength(6);
  expect((await taken(caller, 6))(again).error_message).toContain(`at KEY_CONVERTER of connector ${sink}`);
}
