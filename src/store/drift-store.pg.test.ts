import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import { freshDatabase } from '../testing/database.ts';
import { DriftStore, type SeenField } from './drift-store.ts';

let database: Database;
beforeAll(async () => {
  database = openDatabase({ url: await freshDatabase(), poolMax: 4 });
});
afterAll(() => database.close());

const [monday, tuesday] = [new Date('2026-11-02T12:00:00Z'), new Date('2026-11-03T12:00:00Z')];
const field = (path: string, more: Partial<SeenField> = {}): SeenField => ({
  schemaName: 'order',
  schemaVersion: '1.0.0',
  producer: 'shop',
  path,
  type: 'string',
  messages: 1,
  firstSeen: monday,
  lastSeen: monday,
  ...more,
});

test('what several instances saw adds up, from the first time to the last', async () => {
  const store = new DriftStore(database);
  const paths = Array.from({ length: 200 }, (_, index) => `/f${index}`);
  await Promise.all([
    store.add(paths.map((path) => field(path, { messages: 2 }))),
    store.add([...paths].reverse().map((path) => field(path, { messages: 3, firstSeen: tuesday, lastSeen: tuesday }))),
  ]);
  const seen = await store.list('order');
  expect(seen).toHaveLength(200);
  expect(seen.find(({ path }) => path === '/f7')).toEqual(field('/f7', { messages: 5, lastSeen: tuesday }));
  expect(await store.list('other')).toEqual([]);
  expect(await store.list(null)).toHaveLength(200);
});

test('what nobody sends any more is forgotten', async () => {
  const store = new DriftStore(database);
  const [long, short] = [100, 80].map((days) => new Date(Date.now() - days * 24 * 3_600_000));
  await store.add([
    field('/long', { schemaName: 'old', lastSeen: long as Date }),
    field('/short', { schemaName: 'old', lastSeen: short as Date }),
  ]);
  await store.prune();
  expect((await store.list('old')).map(({ path }) => path)).toEqual(['/short']);
});
