import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWire, type Wire } from '../../drivers/kafka-wire/wire.ts';
import { openStorage } from '../../drivers/storage/open-storage.ts';
import { messageOf } from '../../lib/errors.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { migrate } from '../../store/migrate.ts';
import { FaultProxy } from '../fault-proxy.ts';
import { type KafkaServer, openKafka } from '../services/kafka-server.ts';
import { openPostgres, type PostgresServer } from '../services/postgres-server.ts';
import { openS3, type S3Server } from '../services/s3-server.ts';
import { SmallDisk } from '../small-disk.ts';

export const chaosTopics = { source: 'raw-events', valid: 'validated-events', dlq: 'quarantine-dlq' } as const;
export const chaosGroup = 'chaos';
export const chaosPartitions = 8;
const bucketUrl = 's3://chaos';
const spoolName = 'spool';
/** Some minutes of an outage. */
const spoolKilobytes = 32 * 1024;

/** Short, so that a stopped instance is soon given up; the broker takes no session shorter than six seconds. */
const settings = `
kafka:
  client:
    session.timeout.ms: 6000
    heartbeat.interval.ms: 1500
    max.poll.interval.ms: 8000
spool:
  commit: true
`;

export type ChaosLane = 'auto' | 'native' | 'client';

type Parts = Pick<ChaosStage, 'kafka' | 'postgres' | 's3' | 'postgresProxy' | 's3Proxy' | 'wire' | 'dir' | 'disk'>;

/** Kafka, PostgreSQL and S3 of this run alone, the last two behind fault proxies. */
export class ChaosStage {
  readonly kafka: KafkaServer;
  readonly postgres: PostgresServer;
  readonly s3: S3Server;
  readonly postgresProxy: FaultProxy;
  readonly s3Proxy: FaultProxy;
  readonly wire: Wire;
  readonly dir: string;
  /** What the spool lies on, null where none may be mounted. */
  readonly disk: SmallDisk | null;
  readonly #lane: ChaosLane;

  private constructor(lane: ChaosLane, parts: Parts) {
    this.#lane = lane;
    this.kafka = parts.kafka;
    this.postgres = parts.postgres;
    this.s3 = parts.s3;
    this.postgresProxy = parts.postgresProxy;
    this.s3Proxy = parts.s3Proxy;
    this.wire = parts.wire;
    this.dir = parts.dir;
    this.disk = parts.disk;
  }

  static async open(lane: ChaosLane, say: (line: string) => void): Promise<ChaosStage> {
    const opening = [openKafka(), openPostgres(), openS3()] as const;
    try {
      const [kafka, postgres, s3] = await Promise.all(opening);
      const wire = await openWire({ brokers: [kafka.brokers], client: {} });
      // Events have timestamps of their own: with the broker's retention they would be gone within minutes.
      const configs = { 'retention.ms': '-1' };
      const topics = Object.values(chaosTopics).map((name) => ({ name, partitions: chaosPartitions, replicationFactor: 1, configs }));
      await wire.createTopics(topics);
      await migrate(postgres.url);
      const storage = openStorage({ ...s3, url: bucketUrl });
      await storage.ensure();
      await storage.close();
      const dir = mkdtempSync(join(tmpdir(), 'dataquarantine-chaos-'));
      writeFileSync(join(dir, 'dataquarantine.yaml'), settings);
      mkdirSync(join(dir, spoolName));
      const disk = await SmallDisk.open(join(dir, spoolName), spoolKilobytes).catch((error: unknown) => {
        say(messageOf(error));
        return null;
      });
      const postgresProxy = await FaultProxy.open(addressOf(postgres.url));
      const s3Proxy = await FaultProxy.open(addressOf(s3.endpoint));
      return new ChaosStage(lane, { kafka, postgres, s3, postgresProxy, s3Proxy, wire, dir, disk });
    } catch (error) {
      const settled = await Promise.allSettled(opening);
      for (const one of settled) if (one.status === 'fulfilled') await one.value.server.close();
      throw error;
    }
  }

  /** Where all instances have their spools, as replicas on one volume do, for whoever looks from outside. */
  get spoolDir(): string {
    return this.disk?.path ?? join(this.dir, spoolName);
  }

  /** How a program is started that sees the spool. */
  readonly command = (file: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] } =>
    this.disk?.command(file, args) ?? { file, args };

  /** The environment of an instance, whose database and store lie behind the proxies. */
  get env(): Readonly<Record<string, string>> {
    return {
      DQ_KAFKA_BROKERS: this.kafka.brokers,
      DQ_LANE: this.#lane,
      DQ_KAFKA_GROUP_ID: chaosGroup,
      DQ_KAFKA_SOURCE_TOPICS: chaosTopics.source,
      DQ_KAFKA_VALID_TOPIC: chaosTopics.valid,
      DQ_KAFKA_DLQ_TOPIC: chaosTopics.dlq,
      DQ_POSTGRES_URL: this.postgresProxy.urlOf(this.postgres.url),
      DQ_STORAGE_URL: bucketUrl,
      DQ_STORAGE_ENDPOINT: this.s3Proxy.urlOf(this.s3.endpoint),
      AWS_REGION: this.s3.region,
      AWS_ACCESS_KEY_ID: this.s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.s3.secretAccessKey,
      DQ_SCHEMAS_DIR: join(packageRoot, 'schemas'),
      DQ_SPOOL_DIR: join(this.dir, spoolName),
      DQ_HTTP_PORT: '0',
      DQ_WORKERS: '1',
    };
  }

  /** The real address of the store, for whoever checks what was stored. */
  get storage(): ReturnType<typeof openStorage> {
    return openStorage({ ...this.s3, url: bucketUrl });
  }

  /** Every server runs and nothing stands in its way. */
  async heal(): Promise<void> {
    this.postgresProxy.set({ kind: 'none' });
    this.s3Proxy.set({ kind: 'none' });
    this.disk?.free();
    await Promise.all(
      [this.kafka, this.postgres, this.s3].map(async ({ server }) => {
        await server.resume();
        if (server.pid === null) await server.start();
      }),
    );
  }

  /** The logs of a run that found something are kept. */
  async close({ isKept }: { readonly isKept: boolean }): Promise<void> {
    await this.wire.close().catch(() => {});
    await Promise.all([this.postgresProxy.close(), this.s3Proxy.close()]);
    await Promise.all([this.kafka, this.postgres, this.s3].map(({ server }) => server.close()));
    await this.disk?.close();
    if (!isKept) rmSync(this.dir, { recursive: true, force: true });
  }
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
