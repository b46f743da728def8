import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { openWire, type Wire } from '../src/drivers/kafka-wire/wire.ts';
import { type Database, openDatabase } from '../src/drivers/postgres/database.ts';
import { openStorage } from '../src/drivers/storage/open-storage.ts';
import { packageRoot } from '../src/lib/package-root.ts';
import { openServices, type Services } from '../src/testing/services/services.ts';
import { createDatabase, dropDatabase, freshName, urlOfDatabase } from '../src/testing/template-database.ts';
import { type Event, eventOf } from './events.ts';

export const partitions = 8;

/** Topics that all runs share: what one run wrote there lies before what the next one writes. */
const validTopic = 'bench.valid';
const dlqTopic = 'bench.dlq';
const bucket = 's3://bench';

/** A topic full of events, and how many of them are good. */
export interface Source {
  readonly topic: string;
  readonly messages: number;
  readonly bad: number;
}

/** A database of one run's own, with no table in it. */
export interface RunDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** The servers of this bench, started for it alone, with the topics and the bucket on them. */
export class Stage {
  readonly validTopic = validTopic;
  readonly dlqTopic = dlqTopic;
  readonly services: Services;
  readonly wire: Wire;
  /** An empty folder for what programs write into their working folder. */
  readonly dir: string;

  private constructor(services: Services, wire: Wire, dir: string) {
    this.services = services;
    this.wire = wire;
    this.dir = dir;
  }

  static async open(): Promise<Stage> {
    const services = await openServices({ reuse: false });
    try {
      const wire = await openWire({ brokers: [services.kafka.brokers], client: {} });
      const stage = new Stage(services, wire, await mkdtemp(join(tmpdir(), 'dataquarantine-bench-')));
      await stage.#createTopic(validTopic);
      await stage.#createTopic(dlqTopic);
      const storage = openStorage({ ...services.s3, url: bucket });
      await storage.ensure();
      await storage.close();
      return stage;
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.wire.close();
    await this.services.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Makes a topic and fills it, partition by partition in turn. */
  async fill(name: string, messages: number, invalidShare: number): Promise<Source> {
    const topic = await this.emptyTopic(name);
    await produceAll(this.services.kafka.brokers, topic, messages, (number) => eventOf(number, invalidShare));
    return { topic, messages, bad: Math.floor(messages * invalidShare) };
  }

  async emptyTopic(name: string): Promise<string> {
    const topic = `bench.${name}`;
    await this.#createTopic(topic);
    return topic;
  }

  /** How many records a topic holds. */
  async count(topic: string): Promise<number> {
    return (await this.wire.ends(topic)).reduce((sum, end) => sum + end, 0);
  }

  freshGroup(): string {
    return `bench-${randomBytes(6).toString('hex')}`;
  }

  /** The same source record has one row for ever, so every run needs tables of its own. */
  async freshDatabase(): Promise<RunDatabase> {
    const serverUrl = this.services.postgres.url;
    const name = freshName('bench');
    await createDatabase(serverUrl, name, 'template1');
    return { url: urlOfDatabase(serverUrl, name), drop: () => dropDatabase(serverUrl, name) };
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
  engineEnv(topic: string, group: string, database: RunDatabase): Readonly<Record<string, string>> {
    const { kafka: broker, s3 } = this.services;
    return {
      DQ_KAFKA_BROKERS: broker.brokers,
      DQ_KAFKA_GROUP_ID: group,
      DQ_KAFKA_SOURCE_TOPICS: topic,
      DQ_KAFKA_VALID_TOPIC: validTopic,
      DQ_KAFKA_DLQ_TOPIC: dlqTopic,
      DQ_POSTGRES_URL: database.url,
      DQ_STORAGE_URL: bucket,
      DQ_STORAGE_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      DQ_SCHEMAS_DIR: join(packageRoot, 'schemas'),
      DQ_HTTP_PORT: '0',
      DQ_LANE: 'client',
      DQ_ENGINE: 'js',
    };
  }

  async #createTopic(name: string): Promise<void> {
    await this.wire.createTopics([{ name, partitions, replicationFactor: 1, configs: {} }]);
  }
}

/** Messages handed over between two looks at the client's queue. */
const chunk = 10_000;
const flushMsMax = 60_000;

async function produceAll(brokers: string, topic: string, messages: number, event: (number: number) => Event): Promise<void> {
  const producer = new kafka.Producer({
    'bootstrap.servers': brokers,
    'enable.idempotence': true,
    'linger.ms': 20,
    'batch.size': 1_000_000,
    'queue.buffering.max.messages': chunk,
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
