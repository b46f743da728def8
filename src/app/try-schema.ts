import type { Settings } from '../config/settings.ts';
import { openWire } from '../drivers/kafka-wire/wire.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { SchemaRegistry } from '../drivers/schema-registry/schema-registry.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { type WhatIf, type WhatIfOptions, whatIf } from '../evolve/what-if.ts';
import { assert } from '../lib/assert.ts';

/** A candidate, how many records it is tried on, and in how many threads. */
export type SchemaTrial = Pick<WhatIfOptions, 'name' | 'schema' | 'rules' | 'remediation' | 'placeOf' | 'recordsMax' | 'threads'>;

/** Tries a candidate on what is there; whatever that needs is opened for it and closed again. */
export async function trySchema(settings: Settings, trial: SchemaTrial): Promise<WhatIf> {
  const { kafka, postgres } = settings;
  assert(postgres.url !== null, 'settings without a database passed although one is needed');
  const closers: (() => Promise<void>)[] = [];
  try {
    const database = openDatabase({ url: postgres.url, poolMax: 1 });
    closers.push(() => database.close());
    const storage = openStorage(settings.storage);
    closers.push(() => storage.close());
    const wire = await openWire({ brokers: kafka.brokers, client: kafka.client });
    closers.push(() => wire.close());
    const isDefault = kafka.sourceTopics.some((topic) => settings.topics[topic]?.schema === trial.name);
    const ids = await idsOf(settings, trial.name);
    return await whatIf({ ...trial, database, storage, wire, validTopic: kafka.validTopic, isDefault, ids });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** The ids of all versions of the subject, null where no schema registry is used. */
async function idsOf({ schemas: { registry } }: Settings, name: string): Promise<number[] | null> {
  const { url } = registry;
  if (url === null) return null;
  const source = new SchemaRegistry({ ...registry, url });
  const versions = (await source.versions(name)) ?? [];
  const found = await Promise.all(versions.map((version) => source.version(name, version)));
  return found.flatMap((version) => (version === null ? [] : [version.id]));
}
