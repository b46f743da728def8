import type { Settings } from '../config/settings.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { assert } from '../lib/assert.ts';
import { migrate } from '../store/migrate.ts';
import { quarantineConnections } from './open-quarantine.ts';
import { type WhenThereOptions, whenThere } from './when-there.ts';

export interface Stores {
  readonly database: Database;
  readonly storage: ObjectStore;
}

export interface OpenStoresOptions extends WhenThereOptions {
  readonly settings: Settings;
  readonly closers: (() => Promise<void>)[];
}

/** Database and object store, with the tables as they must be, as soon as both are there. */
export async function openStores({ settings, closers, ...waiting }: OpenStoresOptions): Promise<Stores> {
  const { url } = settings.postgres;
  assert(url !== null, 'the command line asked for postgres.url');
  // One more for what is gathered about drift.
  const database = openDatabase({ url, poolMax: quarantineConnections + 1 });
  closers.push(() => database.close());
  await whenThere<unknown>('postgres', () => (settings.postgres.migrate ? migrate(url) : database.check()), waiting);
  const storage = openStorage(settings.storage);
  closers.push(() => storage.close());
  await whenThere('storage', () => storage.check(), waiting);
  return { database, storage };
}
