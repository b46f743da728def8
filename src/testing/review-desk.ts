import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { infrastructureHeaders } from '../config/infrastructure-headers.ts';
import { chooseLane, openPublisher } from '../drivers/kafka/open-lane.ts';
import { openWire, type Wire, type WireRecord } from '../drivers/kafka-wire/wire.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import type { Caller } from '../model/access.ts';
import { type Header, packed } from '../model/header.ts';
import type { Quarantined } from '../model/record.ts';
import type { Fault } from '../model/verdict.ts';
import { silentLog } from '../observe/log.ts';
import { Registry } from '../registry/registry.ts';
import { ReplayPlans, type ReplayPlansOptions } from '../review/replay/plans.ts';
import { createHeaderFilter } from '../review/replay/replay-headers.ts';
import { ReplayRunner, type RunnerOptions } from '../review/replay/runner.ts';
import { Payloads } from '../store/payloads.ts';
import { createRecordId } from '../store/record-id.ts';
import { RecordStore } from '../store/record-store.ts';
import { RunStore } from '../store/replay-runs.ts';
import { encodeSegment, formatStoragePath, segmentKey } from '../store/segment.ts';
import { sourceReference } from '../store/source-reference.ts';
import { WorkerPool } from '../workers/pool.ts';
import { defaultLimits } from '../workers/read-json.ts';
import { ValueChecker } from '../workers/value-checker.ts';
import { brokers, freshTopic, type TopicOptions } from './broker.ts';
import { freshBucket } from './bucket.ts';
import { buildMessage } from './build-batch.ts';
import { freshDatabase } from './database.ts';
import { publishMessages } from './publish-messages.ts';
import { requireSuffix } from './require-suffix.ts';

requireSuffix('review-desk.ts', ['e2e']);

/** A quarantined message. What is left out is of no interest to the test. */
export interface Stay {
  readonly value: string | Buffer;
  readonly key?: string | null;
  readonly partition?: number;
  readonly headers?: readonly Header[];
  readonly timestamp?: number;
  readonly fault?: Partial<Fault>;
}

/** A quarantine with records in it, and the rooms of the review that repair and replay them, on servers of the run. */
export interface Desk {
  readonly source: string;
  readonly valid: string;
  readonly wire: Wire;
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly payloads: Payloads;
  readonly registry: Registry;
  readonly checker: ValueChecker;
  readonly plans: ReplayPlans;
  /** What the command line and a service of their own need to work on it. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts messages into quarantine as the pipeline would, in the order of their offsets; returns their ids. */
  quarantine(stays: readonly Stay[]): Promise<string[]>;
  /** The same for messages that a flood leaves in the source: published there, or, to be gone from there, not. */
  leaveInSource(stays: readonly Stay[], options?: { readonly published: boolean }): Promise<string[]>;
  /** Puts messages into a topic as a producer would. */
  publish(topic: string, stays: readonly Stay[]): Promise<void>;
  /** A worker that is closed with the test. */
  runner(options?: Partial<RunnerOptions>): ReplayRunner;
  /** What lies in the valid topic, by partition. */
  published(): Promise<WireRecord[][]>;
  /** A column of the rows by their ids. */
  column(name: string, ids: readonly string[]): Promise<unknown[]>;
}

export const operator: Caller = { name: 'olga', role: 'admin', payloadRead: true, topicPrefixes: [], csrfToken: null };

export const saleSchema = `name: sale
version: 1.0.0
schema:
  type: object
  required: [id, amount]
  properties:
    id: { type: integer }
    amount: { type: number }
    currency: { enum: [EUR, USD] }
`;

export const saleFault: Fault = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'expected a number, found a string',
  field_path: 'amount',
  instance_path: '/amount',
  engine: 'js',
  keyword: 'type',
  fingerprint: 'v1:0123456789abcdef0123456789abcdef',
  schema_name: 'sale',
  schema_version: '1.0.0',
};

const usualTimestamp = 1_700_000_000_000;

let closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  const closing = closers.reverse();
  closers = [];
  for (const close of closing) await close();
});

export interface DeskOptions extends Partial<Pick<ReplayPlansOptions, 'secondPersonOver' | 'targets' | 'rate'>> {
  readonly validTopic?: TopicOptions;
}

export async function openDesk({ validTopic = { partitions: 4 }, ...options }: DeskOptions = {}): Promise<Desk> {
  const [source, valid, databaseUrl, bucket] = await Promise.all([
    freshTopic('raw', { partitions: 4 }),
    freshTopic('valid', validTopic),
    freshDatabase(),
    freshBucket(),
  ]);
  const wire = kept(await openView());
  const database = kept(openDatabase({ url: databaseUrl, poolMax: 6 }));
  const storage = kept(openStorage(bucket));
  const { registry, checker, dir } = await openSales();
  const payloads = kept(new Payloads({ storage, openSource: openView }));
  const shared = {
    payloads,
    checker,
    strip: createHeaderFilter(infrastructureHeaders),
    openWire: openView,
    isCompressing: false,
    validTopic: valid,
  };
  const runners: ReplayRunner[] = [];
  const plans = new ReplayPlans({
    ...shared,
    database,
    targets: options.targets ?? [valid],
    rate: options.rate ?? null,
    secondPersonOver: options.secondPersonOver ?? null,
    onStarted: () => runners.forEach((runner) => runner.wake()),
  });
  const identify = createRecordId(await wire.cluster([source]));
  const records = new RecordStore(database);
  let offset = 0;
  return {
    source,
    valid,
    wire,
    database,
    storage,
    payloads,
    registry,
    checker,
    plans,
    env: environmentOf({ source, valid, databaseUrl, bucket, dir }),
    quarantine: (stays) => keep(stays, { source, storage, identify, records, nextOffset: () => offset++ }),
    leaveInSource: async (stays, { published = true } = { published: true }) => {
      const ends = await wire.ends(source);
      if (published) await publishTo(source, stays);
      return leave(stays, { source, identify, records, nextOffset: (partition) => (ends[partition] as number)++ });
    },
    publish: publishTo,
    runner: (more) => {
      const runner = kept(
        new ReplayRunner({ ...runnerOptions(), ...shared, runs: new RunStore(database), finish: () => plans.finishOne(), ...more }),
      );
      runners.push(runner);
      return runner;
    },
    published: () => readAll(wire, valid),
    column: async (name, ids) => {
      const sql = `SELECT ${name} AS value FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, n) JOIN quarantine_records USING (id) ORDER BY n`;
      return (await database.withClient((client) => client.query<{ value: unknown }>(sql, [ids]))).rows.map(({ value }) => value);
    },
  };
}

interface Addresses {
  readonly source: string;
  readonly valid: string;
  readonly databaseUrl: string;
  readonly bucket: Awaited<ReturnType<typeof freshBucket>>;
  /** Of the schemas. */
  readonly dir: string;
}

function environmentOf({ source, valid, databaseUrl, bucket, dir }: Addresses): Desk['env'] {
  return {
    DQ_KAFKA_BROKERS: brokers(),
    DQ_KAFKA_SOURCE_TOPICS: source,
    DQ_KAFKA_VALID_TOPIC: valid,
    DQ_POSTGRES_URL: databaseUrl,
    DQ_STORAGE_URL: bucket.url,
    DQ_STORAGE_ENDPOINT: bucket.endpoint,
    AWS_REGION: bucket.region,
    AWS_ACCESS_KEY_ID: bucket.accessKeyId,
    AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey,
    DQ_SCHEMAS_DIR: dir,
    DQ_HTTP_PORT: '0',
  };
}

function kept<T extends { close(): Promise<unknown> }>(opened: T): T {
  closers.push(() => opened.close());
  return opened;
}

function openView(): Promise<Wire> {
  return openWire({ brokers: brokers().split(','), client: {} });
}

/** One thread, and the schema of a sale, which is the default of every topic. */
async function openSales(): Promise<{ registry: Registry; checker: ValueChecker; dir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'dq-desk-'));
  closers.push(async () => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'sale'));
  writeFileSync(join(dir, 'sale/1.0.0.yaml'), saleSchema);
  const pool = kept(await WorkerPool.open({ threads: 1 }));
  const registry = kept(await Registry.open({ dir, cacheDir: join(dir, '.cache'), prebuiltDir: null, log: silentLog() }));
  const rules = { schema: 'sale', allowed: null, strict: false };
  const judges = async () => ({ pool, registry });
  return { registry, dir, checker: new ValueChecker({ judges, rulesOf: () => rules, limits: defaultLimits }) };
}

function runnerOptions(): Pick<RunnerOptions, 'openPublisher' | 'failureShareMax' | 'log'> {
  return {
    openPublisher: (topic, messageBytesMax, onFatal) =>
      openPublisher(chooseLane('auto'), {
        client: { brokers: brokers(), clientId: 'replay', properties: {} },
        messageBytesMax: new Map([[topic, messageBytesMax]]),
        log: silentLog(),
        onFatal,
      }),
    failureShareMax: 0.1,
    log: silentLog(),
  };
}

interface Shelves {
  readonly source: string;
  readonly identify: ReturnType<typeof createRecordId>;
  readonly records: RecordStore;
  readonly nextOffset: (partition: number) => number;
}

function quarantinedOf(stays: readonly Stay[], { source, identify, nextOffset }: Shelves): Quarantined[] {
  return stays.map(({ value, key = null, partition = 0, headers = [], timestamp = usualTimestamp, fault }) => {
    const bytes = Buffer.from(value);
    const place = { topic: source, partition, offset: nextOffset(partition), timestamp };
    return {
      ...place,
      id: identify(source, partition, place.offset),
      key: key === null ? null : Buffer.from(key),
      value: bytes,
      packedHeaders: packed(headers),
      fault: { ...saleFault, ...fault },
      payloadSha256: hash('sha256', bytes, 'buffer'),
      quarantinedAt: Date.now(),
    };
  });
}

async function leave(stays: readonly Stay[], shelves: Shelves): Promise<string[]> {
  const quarantined = quarantinedOf(stays, shelves);
  await shelves.records.insert(quarantined.map((record) => ({ record, storagePath: sourceReference(record) })));
  return quarantined.map(({ id }) => id);
}

async function publishTo(topic: string, stays: readonly Stay[]): Promise<void> {
  const publisher = await runnerOptions().openPublisher(topic, 2 ** 20, () => {});
  const messages = stays.map(({ value, key = null, partition = 0, headers = [], timestamp = usualTimestamp }) =>
    buildMessage({ value: Buffer.from(value), key: key === null ? null : Buffer.from(key), partition, headers, timestamp }),
  );
  await publishMessages(publisher, topic, messages);
  await publisher.close();
}

async function keep(stays: readonly Stay[], shelves: Shelves & { readonly storage: ObjectStore }): Promise<string[]> {
  const { source, storage, records } = shelves;
  const quarantined = quarantinedOf(stays, shelves);
  const segment = segmentKey(source, Date.now());
  const { bytes, places } = encodeSegment(quarantined);
  await storage.put(segment, bytes);
  const rows = quarantined.map((record, index) => ({
    record,
    storagePath: formatStoragePath(segment, places[index] as { offset: number; length: number }),
  }));
  await records.insert(rows);
  return quarantined.map(({ id }) => id);
}

/** A whole topic, by partition. */
export async function readAll(wire: Wire, topic: string): Promise<WireRecord[][]> {
  const ends = await wire.ends(topic);
  return Promise.all(
    ends.map(async (to, partition) => {
      const found: WireRecord[] = [];
      await wire.read({ topic, partition, from: 0, to }, (batch) => {
        found.push(...batch.map((one) => ({ ...one, key: one.key && Buffer.from(one.key), value: one.value && Buffer.from(one.value) })));
      });
      return found;
    }),
  );
}
