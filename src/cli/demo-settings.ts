import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Wire } from '../drivers/kafka-wire/wire.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { packageRoot } from '../lib/package-root.ts';
import type { Services } from '../testing/services/services.ts';

export interface DemoTopics {
  readonly source: string;
  readonly valid: string;
  readonly dlq: string;
  readonly group: string;
}

const usualPort = 8080;

/** Partitions of each topic of the demo. */
export const partitions = 8;

/** The default topics on servers of the demo's own; elsewhere ones under a mark of its own, so that nobody's data are touched. */
export async function demoTopics(wire: Wire, mark: string | null): Promise<DemoTopics> {
  const usual = { source: 'raw-events', valid: 'validated-events', dlq: 'quarantine-dlq', group: 'dataquarantine-validators' };
  const made = (names: DemoTopics) =>
    wire.createTopics([names.source, names.valid, names.dlq].map((name) => ({ name, partitions, replicationFactor: 1, configs: {} })));
  const own =
    mark === null ? usual : { source: `${mark}.raw-events`, valid: `${mark}.validated-events`, dlq: `${mark}.quarantine-dlq`, group: mark };
  await made(own);
  return own;
}

/** The URL of the database: on somebody's server, with a schema of the demo's own for its tables. */
export async function demoDatabase(url: string, mark: string | null): Promise<string> {
  if (mark === null) return url;
  const database = openDatabase({ url, poolMax: 1 });
  try {
    await database.withClient((client) => client.query(`CREATE SCHEMA IF NOT EXISTS "${mark}"`));
  } finally {
    await database.close();
  }
  const own = new URL(url);
  own.searchParams.set('options', `-c search_path="${mark}"`);
  return own.href;
}

/** Settings of the demo, by their dotted names. */
export async function demoSettings(
  services: Services,
  topics: DemoTopics,
  { once, mark }: { once: boolean; mark: string | null },
): Promise<Record<string, unknown>> {
  return {
    'kafka.brokers': services.kafka.brokers,
    'kafka.groupId': topics.group,
    'kafka.sourceTopics': [topics.source],
    'kafka.validTopic': topics.valid,
    'kafka.dlqTopic': topics.dlq,
    'postgres.url': await demoDatabase(services.postgres.url, mark),
    'storage.url': mark === null ? 's3://data-quarantine' : `s3://${mark}`,
    'storage.endpoint': services.s3.endpoint,
    'storage.region': services.s3.region,
    'storage.accessKeyId': services.s3.accessKeyId,
    'storage.secretAccessKey': services.s3.secretAccessKey,
    'spool.dir': join(packageRoot, '.cache/spool'),
    'schemas.dir': join(packageRoot, 'schemas'),
    'schemas.cacheDir': join(packageRoot, '.cache/validators'),
    'http.port': !once && (await isFree(usualPort)) ? usualPort : 0,
  };
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
