import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';
import { openWire, type Wire } from '../drivers/kafka-wire/wire.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { type VerifyReport, verify } from '../ledger/verify.ts';
import { packageRoot } from '../lib/package-root.ts';
import { brokers, freshGroup, freshTopic, type TopicOptions } from './broker.ts';
import { freshBucket } from './bucket.ts';
import { freshDatabase } from './database.ts';
import { imageAllocator } from './image-allocator.ts';
import { requireSuffix } from './require-suffix.ts';
import type { S3Address } from './services/service.ts';

requireSuffix('engine.ts', ['e2e', 'browser']);

export interface StageOptions {
  readonly source?: TopicOptions;
  readonly valid?: TopicOptions;
  readonly dlq?: TopicOptions;
  /** Servers of the test's own, for what is done to them, in the place of those of the run. */
  readonly postgresUrl?: string;
  readonly s3?: S3Address;
  /** Further environment of the service. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text of a settings file. */
  readonly settings?: string;
}

/** One test's own topics, group, database and bucket, with the built service on them. */
export interface Stage {
  readonly source: string;
  readonly valid: string;
  readonly dlq: string;
  readonly group: string;
  readonly wire: Wire;
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly env: Readonly<Record<string, string>>;
  /** Starts the service as a process of its own and waits until it is ready. */
  start(): Promise<Engine>;
  verify(): Promise<VerifyReport>;
  /** Waits until the group has committed everything that the source holds. */
  committed(): Promise<void>;
}

/** A running service. */
export interface Engine {
  readonly address: string;
  /** The log so far, one parsed line an entry. */
  readonly log: readonly Record<string, unknown>[];
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** The exit code once it has ended by itself. */
  ended(): Promise<number | null>;
}

let closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  const closing = closers.reverse();
  closers = [];
  for (const close of closing) await close();
});

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const eight = { partitions: 8 };
  const [source, valid, dlq] = await Promise.all([
    freshTopic('raw', options.source ?? eight),
    freshTopic('valid', options.valid ?? eight),
    freshTopic('dlq', options.dlq ?? eight),
  ]);
  const [url, bucket] = await Promise.all([options.postgresUrl ?? freshDatabase(), freshBucket(options.s3)]);
  const group = freshGroup();
  const wire = await openWire({ brokers: brokers().split(','), client: {} });
  closers.push(() => wire.close());
  const database = openDatabase({ url, poolMax: 2 });
  closers.push(() => database.close());
  const storage = openStorage(bucket);
  closers.push(() => storage.close());
  const spoolDir = temporaryFolder('dq-stage-spool-');
  const env = {
    DQ_SPOOL_DIR: spoolDir,
    DQ_KAFKA_BROKERS: brokers(),
    DQ_KAFKA_GROUP_ID: group,
    DQ_KAFKA_SOURCE_TOPICS: source,
    DQ_KAFKA_VALID_TOPIC: valid,
    DQ_KAFKA_DLQ_TOPIC: dlq,
    DQ_POSTGRES_URL: url,
    DQ_STORAGE_URL: bucket.url,
    DQ_STORAGE_ENDPOINT: bucket.endpoint,
    AWS_REGION: bucket.region,
    AWS_ACCESS_KEY_ID: bucket.accessKeyId,
    AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey,
    DQ_SCHEMAS_DIR: join(packageRoot, 'schemas'),
    DQ_HTTP_PORT: '0',
    ...options.env,
  };
  const committed = async () => {
    for (;;) {
      const [ends, offsets] = await Promise.all([wire.ends(source), wire.committed(group, [source])]);
      // A partition without messages is never committed.
      if (ends.every((end, partition) => end === 0 || offsets.get(source)?.[partition] === end)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return {
    source,
    valid,
    dlq,
    group,
    wire,
    database,
    storage,
    env,
    committed,
    start: () => startEngine(env, settingsFile(options.settings)),
    verify: () =>
      verify({
        wire,
        database,
        storage,
        spoolDirs: [env.DQ_SPOOL_DIR],
        group,
        sourceTopics: [source],
        validTopic: valid,
        dlqTopic: dlq,
        from: null,
      }),
  };
}

function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  closers.push(async () => rmSync(folder, { recursive: true }));
  return folder;
}

/** The words that make the service read these settings. */
function settingsFile(settings: string | undefined): string[] {
  if (settings === undefined) return [];
  const folder = temporaryFolder('dq-settings-');
  const file = join(folder, 'dataquarantine.yaml');
  writeFileSync(file, settings);
  return ['--config', file];
}

/** Starts `dq run` with exactly this environment beside the process's own. */
export async function startEngine(env: Readonly<Record<string, string>>, words: readonly string[] = []): Promise<Engine> {
  const child = spawn(process.execPath, [join(packageRoot, 'bin/dq.cjs'), 'run', ...words], {
    env: { PATH: process.env['PATH'], ...imageAllocator(), ...env },
    cwd: join(packageRoot, '.cache'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  closers.push(() => kill(child, ended));
  const log: Record<string, unknown>[] = [];
  const complaints: string[] = [];
  const started = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry['msg'] === 'started') resolve(entry['address'] as string);
    });
  });
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => complaints.push(line));
  const failed = ended.then((code): never => {
    throw new Error(
      `the service ended with ${code} before it was ready: ${[...complaints, ...log.map((entry) => JSON.stringify(entry))].join('\n')}`,
    );
  });
  const address = await Promise.race([started, failed]);
  failed.catch(() => {});
  return {
    address,
    log,
    ended: () => ended,
    signal: (name) => child.kill(name),
    kill: () => kill(child, ended),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

async function kill(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null) child.kill('SIGKILL');
  await ended;
}
