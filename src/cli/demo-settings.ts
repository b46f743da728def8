import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Wire } from '../drivers/kafka-wire/wire.ts';
import { hasCode } from '../lib/errors.ts';
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

/** The default topics where the cluster has none of them; else ones of this demo's own, so that nobody's data are touched. */
export async function demoTopics(wire: Wire): Promise<DemoTopics> {
  const usual = { source: 'raw-events', valid: 'validated-events', dlq: 'quarantine-dlq', group: 'dataquarantine-validators' };
  const made = (names: DemoTopics) =>
    wire.createTopics([names.source, names.valid, names.dlq].map((name) => ({ name, partitions, replicationFactor: 1, configs: {} })));
  const taken = await Promise.all([usual.source, usual.valid, usual.dlq].map((name) => exists(wire, name)));
  if (!taken.includes(true)) {
    await made(usual);
    return usual;
  }
  const mark = `demo-${Date.now().toString(36)}`;
  const own = { source: `${mark}.raw-events`, valid: `${mark}.validated-events`, dlq: `${mark}.quarantine-dlq`, group: mark };
  await made(own);
  return own;
}

async function exists(wire: Wire, topic: string): Promise<boolean> {
  try {
    await wire.cluster([topic]);
    return true;
  } catch (error) {
    if (hasCode(error, 'DQ_KAFKA_TOPIC_MISSING')) return false;
    throw error;
  }
}

/** Settings of the demo, by their dotted names. */
export async function demoSettings(services: Services, topics: DemoTopics, { once }: { once: boolean }): Promise<Record<string, unknown>> {
  return {
    'kafka.brokers': services.kafka.brokers,
    'kafka.groupId': topics.group,
    'kafka.sourceTopics': [topics.source],
    'kafka.validTopic': topics.valid,
    'kafka.dlqTopic': topics.dlq,
    'postgres.url': services.postgres.url,
    'storage.endpoint': services.s3.endpoint,
    'storage.region': services.s3.region,
    'storage.accessKeyId': services.s3.accessKeyId,
    'storage.secretAccessKey': services.s3.secretAccessKey,
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
