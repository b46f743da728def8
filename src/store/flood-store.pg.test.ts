import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import { freshDatabase } from '../testing/database.ts';
import { FloodStore } from './flood-store.ts';

let database: Database;
let store: FloodStore;

beforeEach(async () => {
  database = openDatabase({ url: await freshDatabase(), poolMax: 2 });
  store = new FloodStore(database, 'group');
});
afterEach(() => database.close());

const trip = { reason: '9 of the last 10 messages are bad', cause: 'v1:x' };
const counts = { topic: 'raw', partition: 3, generation: 0, messages: 10, invalid: 9, run: 2, causes: { 'v1:x': [9, 1] } } as const;

test('a breaker that tripped is seen by every instance of its group, with the first reason, and by no other group', async () => {
  expect(await store.breakers()).toEqual([]);
  await store.trip('raw', 0, trip);
  await store.trip('raw', 0, { reason: 'another', cause: null });
  expect(await store.breakers()).toEqual([{ topic: 'raw', generation: 0, trip: { ...trip, at: expect.any(Number) }, mutedMs: 0 }]);
  expect(await new FloodStore(database, 'other').breakers()).toEqual([]);
});

test('a lift closes and mutes it, forgets what was counted, and whoever has not heard of it can undo nothing', async () => {
  await store.save([counts]);
  await store.trip('raw', 0, trip);
  await store.lift('raw', 60_000);
  await store.save([counts]);
  await store.trip('raw', 0, trip);
  const [breaker] = await store.breakers();
  expect(breaker).toMatchObject({ topic: 'raw', generation: 1, trip: null });
  expect(breaker?.mutedMs).toBeGreaterThan(0);
  expect(await store.load([{ topic: 'raw', partition: 3 }])).toEqual([]);
  await store.trip('raw', 1, trip);
  expect((await store.breakers())[0]?.trip).toMatchObject(trip);
});

test('a topic that never tripped can be lifted, too', async () => {
  await store.lift('raw', 1_000);
  expect(await store.breakers()).toMatchObject([{ topic: 'raw', generation: 1, trip: null }]);
});

test('a breaker closes only when no instance has seen the flood for long enough', async () => {
  await store.trip('raw', 0, trip);
  await store.close('raw', 60_000);
  expect((await store.breakers())[0]?.trip).not.toBeNull();
  await store.touch('raw');
  await store.close('raw', 0);
  expect((await store.breakers())[0]).toMatchObject({ generation: 0, trip: null });
});

test('what was counted of a partition is read back by its next owner', async () => {
  await store.save([counts, { ...counts, partition: 4, invalid: 1, causes: {} }]);
  await store.save([{ ...counts, messages: 11 }]);
  const loaded = await store.load([
    { topic: 'raw', partition: 3 },
    { topic: 'raw', partition: 5 },
  ]);
  expect(loaded).toEqual([{ ...counts, messages: 11 }]);
});
