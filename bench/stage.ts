import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { openWire, type Wire } from '../src/drivers/kafka-wire/wire.ts';
import { type Database, openDatabase } from '../src/drivers/postgres/database.ts';
import { openStorage } from '../src/drivers/storage/open-storage.ts';
import { packageRoot } from '../src/lib/package-root.ts';
import { imageAllocator } from '../src/testing/image-allocator.ts';
import { openServices, type Services } from '../src/testing/services/services.ts';
import { createDatabase, dropDatabase, freshName, urlOfDatabase } from '../src/testing/template-database.ts';
import type { Event } from './events.ts';
import { buildNativePrograms, type NativePrograms } from './native-programs.ts';

const bucket = 's3://bench';
const deleteMsMax = 15_000;

/** A topic full of events, and how many of them are bad. */
export interface Source {
  readonly topic: string;
  readonly partitions: number;
  readonly messages: number;
  readonly bad: number;
}

export interface SourceOptions {
  readonly messages: number;
  readonly bad: number;
  readonly event: (number: number) => Event;
  readonly partitions?: number;
}

/** The topics that one run writes: its own, so that no run meets what another left. */
export interface Targets {
  readonly valid: string;
  readonly dlq: string;
}

/** A database of one run's own, with no table in it. */
export interface RunDatabase {
  readonly url: string;
}

/** What one run of the service reads and writes. */
export interface ServiceRun {
  readonly topic: string;
  readonly targets: Targets;
  readonly group: string;
  readonly database: RunDatabase;
  readonly schemasDir: string;
  /** Settings beyond the usual, as `dq run --config` reads them. */
  readonly settingsFile?: string | undefined;
}

interface StageParts {
  readonly services: Services;
  readonly wire: Wire;
  readonly dir: string;
  readonly programs: NativePrograms;
}

export const partitionsUsual = 8;
export const schemasOfClone = join(packageRoot, 'schemas');

/** The servers of this bench, started for it alone, and the topics, databases and bucket on them. */
export class Stage {
  readonly services: Services;
  readonly wire: Wire;
  /** An empty folder for what programs write into their working folder. */
  readonly dir: string;
  readonly programs: NativePrograms;
  readonly #admin: ReturnType<typeof kafka.AdminClient.create>;

  private constructor({ services, wire, dir, programs }: StageParts) {
    this.services = services;
    this.wire = wire;
    this.dir = dir;
    this.programs = programs;
    this.#admin = kafka.AdminClient.create({ 'bootstrap.servers': services.kafka.brokers });
  }

  static async open(): Promise<Stage> {
    const dir = await mkdtemp(join(tmpdir(), 'dataquarantine-bench-'));
    process.once('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
    const programs = await buildNativePrograms(dir);
    const services = await openServices({ reuse: false });
    try {
      const wire = await openWire({ brokers: [services.kafka.brokers], client: {} });
      const storage = openStorage({ ...services.s3, url: bucket });
      await storage.ensure();
      await storage.close();
      return new Stage({ services, wire, dir, programs });
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#admin.disconnect();
    await this.wire.close();
    await this.services.close();
  }

  /** Makes a topic, fills it partition by partition in turn, and deletes it when the work on it is done. */
  async withSource<T>(options: SourceOptions, work: (source: Source) => Promise<T>): Promise<T> {
    const { messages, bad, event, partitions = partitionsUsual } = options;
    return this.withTopic('source', partitions, async (topic) => {
      await produceAll(this.services.kafka.brokers, { topic, partitions, messages, bad }, event);
      return work({ topic, partitions, messages, bad });
    });
  }

  async withTargets<T>(partitions: number, work: (targets: Targets) => Promise<T>): Promise<T> {
    return this.withTopic('valid', partitions, (valid) => this.withTopic('dlq', partitions, (dlq) => work({ valid, dlq })));
  }

  async withTopic<T>(name: string, partitions: number, work: (topic: string) => Promise<T>): Promise<T> {
    const topic = `bench.${name}-${randomBytes(4).toString('hex')}`;
    await this.wire.createTopics([{ name: topic, partitions, replicationFactor: 1, configs: { 'file.delete.delay.ms': '0' } }]);
    try {
      return await work(topic);
    } finally {
      await new Promise<void>((resolve, reject) =>
        this.#admin.deleteTopic(topic, deleteMsMax, (error) => (error ? reject(new Error(error.message)) : resolve())),
      );
    }
  }

  /** How many records a topic holds. */
  async count(topic: string): Promise<number> {
    return (await this.wire.ends(topic)).reduce((sum, end) => sum + end, 0);
  }

  freshGroup(): string {
    return `bench-${randomBytes(6).toString('hex')}`;
  }

  /** The same source record has one row for ever, so every run needs tables of its own. */
  async withRunDatabase<T>(work: (database: RunDatabase) => Promise<T>): Promise<T> {
    const serverUrl = this.services.postgres.url;
    const name = freshName('bench');
    await createDatabase(serverUrl, name, 'template1');
    try {
      return await work({ url: urlOfDatabase(serverUrl, name) });
    } finally {
      await dropDatabase(serverUrl, name);
    }
  }

  async withDatabase<T>({ url }: RunDatabase, work: (database: Database) => Promise<T>): Promise<T> {
    const database = openDatabase({ url, poolMax: 8 });
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  }

  /** The environment of the service, as somebody who runs it would set it, and nothing tuned. */
  serviceEnv({ topic, targets, group, database, schemasDir }: ServiceRun): Readonly<Record<string, string>> {
    const { kafka: broker, s3 } = this.services;
    return {
      ...imageAllocator(),
      DQ_KAFKA_BROKERS: broker.brokers,
      DQ_KAFKA_GROUP_ID: group,
      DQ_KAFKA_SOURCE_TOPICS: topic,
      DQ_KAFKA_VALID_TOPIC: targets.valid,
      DQ_KAFKA_DLQ_TOPIC: targets.dlq,
      DQ_POSTGRES_URL: database.url,
      DQ_STORAGE_URL: bucket,
      DQ_STORAGE_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      DQ_SCHEMAS_DIR: schemasDir,
      DQ_HTTP_PORT: '0',
      DQ_LANE: process.env['DQ_LANE'] ?? 'auto',
      DQ_ENGINE: process.env['DQ_ENGINE'] ?? 'auto',
    };
  }
}

/** What is handed over between two looks at the client's queue. */
const chunkMessagesMax = 10_000;
const chunkBytesMax = 64 * 2 ** 20;
const flushMsMax = 60_000;

async function produceAll(brokers: string, { topic, partitions, messages }: Source, event: (number: number) => Event): Promise<void> {
  const chunk = Math.max(1, Math.min(chunkMessagesMax, Math.floor(chunkBytesMax / event(0).value.length)));
  const producer = new kafka.Producer({
    'bootstrap.servers': brokers,
    'enable.idempotence': true,
    'linger.ms': 20,
    'batch.size': 1_000_000,
    'queue.buffering.max.messages': chunkMessagesMax,
    'queue.buffering.max.kbytes': 2_097_151,
    'delivery.report.only.error': true,
  });
  await new Promise((resolve) => producer.connect({}, resolve));
  producer.setPollInBackground(true);
  const flush = () =>
    new Promise<void>((resolve, reject) => {
      producer.flush(flushMsMax, (error: LibrdKafkaError) => (error ? reject(new Error(error.message)) : resolve()));
    });
  for (let number = 0; number < messages; number += 1) {
    const { key, value } = event(number);
    producer.produce(topic, number % partitions, value, key, Date.now());
    if (number % chunk === chunk - 1) await flush();
  }
  await flush();
  await new Promise((resolve) => producer.disconnect(resolve));
}
