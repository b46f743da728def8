import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Io } from '../cli/io.ts';
import { runCommandLine } from '../cli/main.ts';
import { openWire, type Wire } from '../drivers/kafka-wire/wire.ts';
import { type Database, openDatabase } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import type { Header } from '../model/header.ts';
import { createRecordId } from '../store/record-id.ts';
import { RecordStore } from '../store/record-store.ts';
import { encodeSegment, formatStoragePath, segmentKey } from '../store/segment.ts';
import { brokers, freshGroup, freshTopics } from '../testing/broker.ts';
import { freshDatabase } from '../testing/database.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../testing/raw-records.ts';
import { commitOffset, deleteRecordsBefore } from '../testing/raw-requests.ts';
import { type VerifyOptions, verify } from './verify.ts';

/*
 * Real servers, but no engine: the topics and tables are laid out by hand as a run would leave them, so that each thing that can be
 * wrong with them can be made wrong.
 */

let wire: Wire;
let database: Database;
let databaseUrl: string;
let storage: ObjectStore;
let folder: string;
let source: string;
let valid: string;
let dlq: string;
let group: string;

beforeAll(async () => {
  wire = await openWire({ brokers: [brokers()], client: {} });
  databaseUrl = await freshDatabase();
  database = openDatabase({ url: databaseUrl, poolMax: 2 });
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  storage = openStorage({ ...noAccess, url: pathToFileURL(folder).href });
  await storage.ensure();
});

beforeEach(async () => {
  [source = '', valid = '', dlq = ''] = await freshTopics(['raw', 'valid', 'dlq'], { partitions: 2 });
  group = freshGroup();
});

afterAll(async () => {
  await wire.close();
  await database.close();
  await storage.close();
  rmSync(folder, { recursive: true });
});

const noAccess = { endpoint: null, region: null, accessKeyId: null, secretAccessKey: null };
const startMs = Date.now() - 60_000;

function raw(value: string | null, at: number, parts: Partial<RawRecord> = {}): RawRecord {
  return { key: Buffer.from('k'), value: value === null ? null : Buffer.from(value), headers: [], timestamp: startMs + at, ...parts };
}

function header(name: string, value: string): Header {
  return { name, value: Buffer.from(value) };
}

async function produce(topic: string, partition: number, ...records: readonly RawRecord[]): Promise<void> {
  await produceRaw({ broker: brokers(), topic, partition, batch: encodeBatch(records) });
}

/** Quarantines a source record of partition 0: payload, row and dead letter. Returns the place of its payload. */
async function quarantine(offset: number, value: string, { stored = value } = {}): Promise<string> {
  const payload = Buffer.from(value);
  const identify = createRecordId(await wire.cluster([source]));
  const record = {
    id: identify(source, 0, offset),
    topic: source,
    partition: 0,
    offset,
    timestamp: startMs,
    key: null,
    value: payload,
    headers: [],
    packedHeaders: Buffer.alloc(0),
    fault: { ...violation },
    payloadSha256: createHash('sha256').update(payload).digest(),
    quarantinedAt: Date.now(),
  };
  const key = segmentKey(source, Date.now());
  const { bytes, places } = encodeSegment([{ ...record, value: Buffer.from(stored) }]);
  const [place] = places;
  if (!place) throw new Error('the segment has no place');
  await storage.put(key, bytes);
  const storagePath = formatStoragePath(key, place);
  await new RecordStore(database).insert([{ record, storagePath }]);
  await produce(
    dlq,
    0,
    raw('letter', 0, {
      headers: [header('dq.original.topic', source), header('dq.original.partition', '0'), header('dq.original.offset', `${offset}`)],
    }),
  );
  return storagePath;
}

const violation = {
  outcome: 'invalid',
  error_type: 'schema_violation',
  error_message: 'must be a string',
  field_path: 'user_id',
  instance_path: '/user_id',
  engine: 'js',
  keyword: 'type',
  fingerprint: `v1:${'0'.repeat(32)}`,
  schema_name: 'user_event',
  schema_version: '1.0.0',
} as const;

function verified(options: Partial<VerifyOptions> = {}) {
  return verify({
    wire,
    database,
    storage: null,
    spoolDirs: [],
    group,
    sourceTopics: [source],
    validTopic: valid,
    dlqTopic: null,
    from: null,
    ...options,
  });
}

/** Offsets 0 to 3 of partition 0: valid, bad, a tombstone, not yet committed; one valid record in partition 1. */
async function wholeRun(): Promise<void> {
  await produce(source, 0, raw('good', 0), raw('bad', 1), raw(null, 2), raw('later', 3));
  await produce(source, 1, raw('keyless', 4, { key: null }));
  await produce(valid, 0, raw('good', 0), raw(null, 2));
  await produce(valid, 1, raw('keyless', 4, { key: Buffer.from('from its schema') }));
  await quarantine(1, 'bad');
  await commitOffset(group, { topic: source, partition: 0 }, 3);
  await commitOffset(group, { topic: source, partition: 1 }, 1);
}

const wholeCounts = {
  in: 4,
  valid: 2,
  quarantined: 1,
  remediated: 0,
  tombstones: 1,
  spooled: 0,
  duplicates: 0,
  out_of_reach: 0,
  reclassified: 0,
  unaccounted: 0,
};

test('a run that lost nothing balances, stored payloads and dead letters included', async () => {
  await wholeRun();
  expect(await verified({ storage, dlqTopic: dlq })).toEqual({
    counts: wholeCounts,
    unaccounted: [],
    disordered: { count: 0, first: [] },
    notes: [],
  });
});

test('a record that is in neither place is named', async () => {
  await wholeRun();
  await commitOffset(group, { topic: source, partition: 0 }, 4);
  const { counts, unaccounted } = await verified();
  expect(counts).toEqual({ ...wholeCounts, in: 5, unaccounted: 1 });
  expect(unaccounted).toEqual([{ topic: source, partition: 0, offset: 3, reason: 'missing' }]);
});

test('what came twice is counted apart', async () => {
  await wholeRun();
  await produce(valid, 0, raw('good', 0), raw('bad', 1), raw('mended', 9, { headers: [header('dq.replay.id', 'r')] }));
  expect((await verified()).counts).toEqual({ ...wholeCounts, duplicates: 1, reclassified: 1 });
});

test('a row of another payload accounts for nothing', async () => {
  await produce(source, 0, raw('bad', 0));
  await quarantine(0, 'another');
  await commitOffset(group, { topic: source, partition: 0 }, 1);
  const { counts, unaccounted } = await verified();
  expect(counts).toMatchObject({ in: 1, quarantined: 0, unaccounted: 1 });
  expect(unaccounted[0]?.reason).toBe('payload_differs');
});

test('a row of an earlier topic of the same name is not taken for one of this', async () => {
  await produce(source, 0, raw('bad', 0));
  await quarantine(0, 'bad');
  await database.withClient((client) => client.query('UPDATE quarantine_records SET id = gen_random_uuid() WHERE topic = $1', [source]));
  await commitOffset(group, { topic: source, partition: 0 }, 1);
  expect((await verified()).unaccounted).toEqual([{ topic: source, partition: 0, offset: 0, reason: 'missing' }]);
});

test('a payload that the store lost or changed is noticed when payloads are read back', async () => {
  await produce(source, 0, raw('bad', 0), raw('worse', 1), raw('erased', 2));
  await quarantine(0, 'bad', { stored: 'bax' });
  const lost = await quarantine(1, 'worse');
  rmSync(join(folder, lost.split('#')[0] as string));
  const erased = await quarantine(2, 'erased');
  rmSync(join(folder, erased.split('#')[0] as string));
  await database.withClient((client) =>
    client.query(`UPDATE quarantine_records SET status = 'erased' WHERE topic = $1 AND "offset" = 2`, [source]),
  );
  await commitOffset(group, { topic: source, partition: 0 }, 3);
  expect((await verified()).counts).toMatchObject({ quarantined: 3, unaccounted: 0 });
  const { counts, unaccounted } = await verified({ storage });
  expect(counts).toMatchObject({ quarantined: 1, unaccounted: 2 });
  expect(unaccounted.map(({ offset, reason }) => [offset, reason])).toEqual([
    [0, 'payload_lost'],
    [1, 'payload_lost'],
  ]);
});

test('a row without a dead letter is noticed when dead letters are looked for', async () => {
  await wholeRun();
  const { counts, unaccounted } = await verified({ dlqTopic: valid });
  expect(counts).toMatchObject({ quarantined: 0, unaccounted: 1 });
  expect(unaccounted).toEqual([{ topic: source, partition: 0, offset: 1, reason: 'dead_letter_missing' }]);
});

test('the account begins where it is told to', async () => {
  await wholeRun();
  expect((await verified({ from: { offset: 1 } })).counts).toEqual({ ...wholeCounts, in: 2, valid: 0 });
  expect((await verified({ from: { timestampMs: startMs + 2 } })).counts).toEqual({ ...wholeCounts, in: 2, valid: 1, quarantined: 0 });
});

test('source records that retention took are out of reach', async () => {
  await wholeRun();
  await deleteRecordsBefore({ topic: source, partition: 0 }, 2);
  expect((await verified()).counts).toEqual({ ...wholeCounts, in: 2, valid: 1, quarantined: 0, out_of_reach: 2 });
});

test('a record whose copy retention took is out of reach, one that is lost is not', async () => {
  await produce(source, 0, raw('old', 0), raw('young', 10), raw('lost', 20));
  await produce(valid, 0, raw('old', 0), raw('young', 10));
  await deleteRecordsBefore({ topic: valid, partition: 0 }, 1);
  await commitOffset(group, { topic: source, partition: 0 }, 3);
  const { counts, unaccounted } = await verified();
  expect(counts).toMatchObject({ in: 2, valid: 1, out_of_reach: 1, unaccounted: 1 });
  expect(unaccounted[0]?.offset).toBe(2);
});

test('a log that ends before the committed offset is told of', async () => {
  await produce(source, 0, raw('good', 0));
  await produce(valid, 0, raw('good', 0));
  await commitOffset(group, { topic: source, partition: 0 }, 5);
  const { counts, notes } = await verified();
  expect(counts).toMatchObject({ in: 1, valid: 1, out_of_reach: 4, unaccounted: 0 });
  expect(notes).toEqual([expect.stringContaining('ends at 1, before the committed offset 5')]);
});

test('a group that has committed nothing has nothing to account for', async () => {
  await produce(source, 0, raw('good', 0));
  const { counts, notes } = await verified();
  expect(counts).toMatchObject({ in: 0, unaccounted: 0 });
  expect(notes).toEqual([expect.stringContaining('has committed nothing')]);
});

test('more rows and records than one page and one answer hold still balance', async () => {
  const count = 12_000;
  const values = Array.from({ length: count }, (_, index) => raw(`${index}`.padStart(200, '.'), index));
  for (let first = 0; first < count; first += 2_000) await produce(source, 1, ...values.slice(first, first + 2_000));
  for (let first = 0; first < count; first += 2_000)
    await produce(valid, 1, ...values.slice(first, first + 2_000).filter((_, index) => index % 2 === 0));
  const identify = createRecordId(await wire.cluster([source]));
  const ids = Array.from({ length: count }, (_, offset) => identify(source, 1, offset));
  const hashes = values.map(({ value }) =>
    createHash('sha256')
      .update(value as Buffer)
      .digest(),
  );
  await database.withClient((client) =>
    client.query(
      `INSERT INTO quarantine_records (id, topic, partition, "offset", error_type, error_message, fingerprint, storage_path, payload_bytes, payload_sha256, quarantined_at)
       SELECT id, $1, 1, n - 1, 'schema_violation', '', '', '', 0, hash, now() FROM unnest($2::uuid[], $3::bytea[]) WITH ORDINALITY AS t (id, hash, n) WHERE n % 2 = 0`,
      [source, ids, hashes],
    ),
  );
  await commitOffset(group, { topic: source, partition: 1 }, count);
  expect((await verified()).counts).toEqual({ ...wholeCounts, in: count, valid: count / 2, quarantined: count / 2, tombstones: 0 });
});

test('the command prints the figures on one line, and its exit code is the answer', async () => {
  await wholeRun();
  const env = {
    DQ_KAFKA_BROKERS: brokers(),
    DQ_KAFKA_GROUP_ID: group,
    DQ_KAFKA_SOURCE_TOPICS: source,
    DQ_KAFKA_VALID_TOPIC: valid,
    DQ_KAFKA_DLQ_TOPIC: dlq,
    DQ_POSTGRES_URL: databaseUrl,
    DQ_STORAGE_URL: pathToFileURL(folder).href,
  };
  const balanced = await dq(['verify', '--json', '--dlq', '--payloads'], env);
  expect(balanced).toEqual({ exitCode: 0, stdout: `${JSON.stringify(wholeCounts)}\n`, stderr: '' });
  await commitOffset(group, { topic: source, partition: 0 }, 4);
  const lossy = await dq(['verify', '--topic', source], env);
  expect(lossy.exitCode).toBe(1);
  expect(lossy.stdout).toMatch(/unaccounted +1 /);
  expect(lossy.stderr).toContain(`unaccounted: ${source}/0/3 is neither in the valid topic nor in quarantine nor in the spool\n`);
  expect(lossy.stderr).toContain('--spool');
});

async function dq(words: readonly string[], env: Record<string, string>) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = Promise.all([text(stdout), text(stderr)]);
  const io: Io = { stdin: new PassThrough().end(), stdout, stderr, env, exitCode: 0, stopSignal: () => AbortSignal.abort() };
  const exitCode = await runCommandLine(words, io);
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: out, stderr: err };
}
