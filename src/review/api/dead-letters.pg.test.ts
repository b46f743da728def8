import { expect, test } from 'vitest';
import { ForeignStore } from '../../store/foreign-store.ts';
import { textHeaders } from '../../testing/dead-letters.ts';
import { openReviewStage } from '../../testing/review-stage.ts';

const headers = textHeaders({ '__streams.errors.exception': 'a.B', '__streams.errors.message': 'no address of Ann' });
const letter = { topic: 'eu.orders-dlt', partition: 0, offset: 9_007_199_254_740_991, originTopic: 'eu.orders', exception: 'a.B' };

test('dead letters are found by their family, and what was thrown is told to those alone who may read payloads', async () => {
  const stage = await openReviewStage();
  const foreign = new ForeignStore(stage.database);
  const fault = {
    error_type: 'dead_letter',
    fingerprint: 'v1:11',
    error_message: 'Kafka Streams gave it up: B',
    schema_name: null,
  } as const;
  const [id, own] = (await stage.quarantine([{ offset: 1, topic: 'eu.orders', headers, fault }, { offset: 2 }])) as [string, string];
  const row = { ...letter, id, family: 'kafka_streams', valueIsNull: false } as const;
  await foreign.insert([row]);
  await foreign.insert([{ ...row, family: 'unknown' }]);
  expect(await foreign.find(id)).toEqual(row);

  const list = (await stage.call('/api/v1/records?family=kafka_streams&facets=1')).body;
  expect(list.items).toMatchObject([{ id, family: 'kafka_streams' }]);
  expect(list.facets.family).toEqual([{ value: 'kafka_streams', count: 1 }]);
  const all = (await stage.call('/api/v1/records?facets=1')).body;
  expect(all.facets.family).toEqual([
    { value: 'kafka_streams', count: 1 },
    { value: null, count: 1 },
  ]);
  const since = (await stage.call('/api/v1/records?facets=1&family=kafka_streams&from=2020-01-01T00:00:00Z')).body;
  expect([since.items.length, since.facets.family]).toEqual([1, [{ value: 'kafka_streams', count: 1 }]]);
  expect((await stage.call('/api/v1/records?family=spring_kafka')).body.items).toEqual([]);
  expect((await stage.call('/api/v1/records?family=postgres')).status).toBe(400);
  const groups = (await stage.call('/api/v1/groups?family=kafka_streams')).body;
  expect(groups.items).toMatchObject([{ fingerprint: 'v1:11', family: 'kafka_streams', count: 1 }]);
  expect((await stage.call('/api/v1/groups')).body.items).toHaveLength(2);

  const { originTopic, ...place } = letter;
  const told = { ...place, offset: String(letter.offset), origin_topic: originTopic, value_is_null: false };
  const detail = async (as: string) => (await stage.call(`/api/v1/records/${id}`, { as })).body;
  expect((await detail('viewer')).dead_letter).toEqual({ ...told, message: null });
  expect((await stage.call('/api/v1/audit')).body.items).toEqual([]);
  expect((await detail('viewer+payload')).dead_letter).toEqual({ ...told, message: 'no address of Ann' });
  const reads = (await stage.call('/api/v1/audit')).body.items;
  expect(reads).toMatchObject([{ by: 'viewer', action: 'payload.read', subject: id, detail: { exceptions: 1 } }]);
  expect((await stage.call('/api/v1/records?q=Ann', { as: 'viewer' })).body.items).toEqual([]);
  expect((await stage.call(`/api/v1/records/${own}`)).body).toMatchObject({ family: null, dead_letter: null });
});

test('a position goes back only where it is set back, and one instance at a time reads', async () => {
  const { database } = await openReviewStage();
  const foreign = new ForeignStore(database);
  const topic = { clusterId: 'c', topicId: 't' };
  await foreign.advance(topic, 0, 7);
  await foreign.advance(topic, 0, 5);
  await foreign.advance(topic, 3, 1);
  expect([...(await foreign.positions(topic))]).toEqual([
    [0, 7],
    [3, 1],
  ]);
  expect([...(await foreign.positions({ ...topic, topicId: 'made anew' }))]).toEqual([]);
  await foreign.setBack(topic, 0, 2);
  expect((await foreign.positions(topic)).get(0)).toBe(2);
  const other = new ForeignStore(database);
  expect(await foreign.alone(() => other.alone(async () => 'both'))).toBeNull();
  await expect(foreign.alone(() => Promise.reject(new Error('it failed')))).rejects.toThrow('it failed');
  // The lock goes with its connection, and the server takes a moment to see that one end.
  await expect.poll(() => other.alone(async () => 'alone')).toBe('alone');
});
