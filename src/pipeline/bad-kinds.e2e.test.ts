import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { WireRecord } from '../drivers/kafka-wire/wire.ts';
import { packageRoot } from '../lib/package-root.ts';
import type { Header } from '../model/header.ts';
import { moduleEnd, schemaDigest } from '../registry/compiler.ts';
import { recordId } from '../store/record-id.ts';
import { decodeFrame, frameStart, parseStoragePath, type ValuePlace } from '../store/segment.ts';
import { type Engine, openStage, type Stage, type StageOptions } from '../testing/engine.ts';
import { encodeBatch, produceRaw, type RawRecord } from '../testing/raw-records.ts';

interface BadMessage {
  readonly name: string;
  readonly errorType: string;
  readonly value: Buffer;
  readonly key?: Buffer | null;
  readonly headers?: readonly Header[];
  readonly fieldPath?: string;
  /** Is the source text JSON, so that the dead letter holds it verbatim? */
  readonly isJson: boolean;
  /** The dead letter topic takes it only as a pointer. */
  readonly pointer?: true;
}

const mib = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'dq-odd-schemas-'));
afterAll(() => rmSync(folder, { recursive: true }));
const text = (value: string) => Buffer.from(value);
const event = (rest: string) =>
  text(`{"_schema":"user_event","user_id":"USER000001","event_type":"click","timestamp":"2026-01-01T00:00:00Z"${rest}}`);
const hostile: Header[] = [
  { name: '__proto__', value: text('{"polluted":true}') },
  { name: 'dq.id', value: text('forged') },
  { name: 'trace', value: Buffer.from([0, 255, 10]) },
  { name: 'trace', value: text('again') },
  { name: '', value: Buffer.alloc(0) },
];

/** Every error type but the two that the valid topic gives, each at least once. */
const badMessages: readonly BadMessage[] = [
  {
    name: 'a wrong field',
    errorType: 'schema_violation',
    value: event(',"amount":-1'),
    key: text('k1'),
    fieldPath: 'amount',
    isJson: true,
  },
  { name: 'hostile headers', errorType: 'schema_violation', value: event(',"amount":-1'), headers: hostile, isJson: true },
  {
    name: 'a number past 2^53, an escape and odd spaces',
    errorType: 'schema_violation',
    value: event(' , "extra" : 9007199254740993.10 ,"x":"\\u00e9\\/"'),
    isJson: true,
  },
  { name: 'no schema', errorType: 'schema_missing', value: text('{"a":1}'), isJson: true },
  { name: 'an unknown schema', errorType: 'schema_not_found', value: text('{"_schema":"../../etc/passwd"}'), isJson: true },
  {
    name: 'an unknown version',
    errorType: 'schema_not_found',
    value: text('{"_schema":"user_event","_schema_version":"9.9.9"}'),
    isJson: true,
  },
  { name: 'an empty value', errorType: 'malformed_json', value: Buffer.alloc(0), isJson: false },
  { name: 'broken JSON', errorType: 'malformed_json', value: text('{"_schema":"user_event",'), isJson: false },
  { name: 'a NUL byte', errorType: 'malformed_json', value: text('{"a":"\u0000"}'), isJson: false },
  { name: 'a byte order mark', errorType: 'malformed_json', value: text('\uFEFF{}'), isJson: false },
  { name: 'invalid UTF-8', errorType: 'invalid_utf8', value: Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), isJson: false },
  { name: 'a repeated member', errorType: 'duplicate_key', value: event(',"user_id":"USER000002"'), fieldPath: 'user_id', isJson: true },
  { name: 'a member repeated by an escape', errorType: 'duplicate_key', value: event(',"\\u0075ser_id":"USER000002"'), isJson: true },
  { name: '__proto__', errorType: 'forbidden_key', value: event(',"properties":{"__proto__":{"admin":true}}'), isJson: true },
  { name: '__proto__ by escapes', errorType: 'forbidden_key', value: event(',"properties":{"\\u005f_proto__":1}'), isJson: true },
  { name: 'too deep', errorType: 'too_deep', value: text(`${'['.repeat(129)}${']'.repeat(129)}`), isJson: true },
  { name: 'too large', errorType: 'too_large', value: text(`{"a":"${'x'.repeat(11 * mib)}"}`), isJson: true, pointer: true },
  { name: 'ten megabytes', errorType: 'schema_missing', value: text(`{"a":"${'y'.repeat(10 * mib - 8)}"}`), isJson: true, pointer: true },
  {
    name: 'too many members',
    errorType: 'too_large',
    value: text(`{${Array.from({ length: 100_001 }, (_, index) => `"k${index}":1`).join(',')}}`),
    isJson: true,
    pointer: true,
  },
  {
    name: 'too large headers',
    errorType: 'too_large',
    value: event(''),
    headers: [{ name: 'big', value: Buffer.alloc(65 * 1024, 120) }],
    isJson: true,
  },
  {
    name: 'a pattern that never ends',
    errorType: 'validation_timeout',
    value: text(`{"_schema":"slow","text":"${'a'.repeat(40)}!"}`),
    isJson: true,
  },
  { name: 'a validator that breaks', errorType: 'validator_error', value: text('{"_schema":"broken"}'), isJson: true },
];

test('every kind of bad message ends in quarantine whole: row, object and dead letter, byte for byte', async () => {
  const large = { partitions: 1, configs: { 'max.message.bytes': String(16 * mib) } };
  const stage = await openStage({ source: large, dlq: { partitions: 1, configs: { 'max.message.bytes': String(mib) } }, ...oddSchemas() });
  const neighbour = event(',"session_id":"good"');
  // Between bad messages, and in their batches, good ones must pass.
  const messages: RawRecord[] = badMessages.flatMap(({ value, key = null, headers = [] }, index) => [
    { key, value, headers, timestamp: 1_767_225_600_000 + index },
    { key: null, value: neighbour, headers: [], timestamp: 1_767_225_700_000 + index },
  ]);
  for (const message of messages) await write(stage, message);
  const engine = await stage.start();
  await stage.committed();
  expect(await engine.stop()).toBe(0);
  const letters = await readAll(stage, stage.dlq);
  for (const [index, bad] of badMessages.entries()) await expectQuarantined(stage, bad, { offset: index * 2, letters });
  expect((await readAll(stage, stage.valid)).map(({ value }) => String(value))).toEqual(badMessages.map(() => String(neighbour)));
  const { counts, unaccounted } = await stage.verify();
  expect(unaccounted).toEqual([]);
  expect(counts).toMatchObject({ in: messages.length, valid: badMessages.length, quarantined: badMessages.length, unaccounted: 0 });
  expectNoPayloadInLog(engine);
});

test('what the valid topic refuses for good is quarantined, its neighbours pass, and a tombstone stays a tombstone', async () => {
  const stage = await openStage({
    source: { partitions: 1 },
    valid: { partitions: 1, configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '20000' } },
  });
  const sized = (bytes: number) => event(`,"properties":{"page":"${'x'.repeat(bytes)}"}`);
  const messages: RawRecord[] = [
    { key: text('a'), value: sized(10), headers: [], timestamp: 1_767_225_600_001 },
    { key: text('b'), value: sized(25_000), headers: [], timestamp: 1_767_225_600_002 },
    { key: null, value: sized(20), headers: [], timestamp: 1_767_225_600_003 },
    { key: text('d'), value: null, headers: [], timestamp: 1_767_225_600_004 },
    { key: text('e'), value: sized(30), headers: [], timestamp: 1_767_225_600_005 },
  ];
  for (const message of messages) await write(stage, message);
  const engine = await stage.start();
  await stage.committed();
  expect(await engine.stop()).toBe(0);
  const { rows } = await stage.database.withClient((client) =>
    client.query('SELECT "offset"::int, error_type, schema_name FROM quarantine_records ORDER BY "offset"'),
  );
  expect(rows).toEqual([
    { offset: 1, error_type: 'too_large', schema_name: 'user_event' },
    { offset: 2, error_type: 'publish_refused', schema_name: 'user_event' },
  ]);
  const passed = await readAll(stage, stage.valid);
  expect(passed.map(({ key, value }) => [String(key), value])).toEqual(
    [0, 3, 4].map((index) => [String(messages[index]?.key), messages[index]?.value]),
  );
  expect((await stage.verify()).counts).toMatchObject({ in: 5, valid: 2, tombstones: 1, quarantined: 2, unaccounted: 0 });
});

test('a keyless message whose schema names a key goes out under that key, and is accounted for', async () => {
  const stage = await openStage();
  const reading = text('{"_schema":"sensor_reading","sensor_id":"s-17","measured_at":"2026-01-01T00:00:00Z","readings":{"t":1.50}}');
  await write(stage, { key: null, value: reading, headers: [], timestamp: 1 }, 5);
  const engine = await stage.start();
  await stage.committed();
  await engine.stop();
  const [record] = await readAll(stage, stage.valid);
  expect([String(record?.key), record?.value]).toEqual(['s-17', reading]);
  expect((await stage.verify()).counts).toMatchObject({ in: 1, valid: 1, unaccounted: 0 });
});

interface Kept {
  readonly offset: number;
  readonly letters: readonly WireRecord[];
}

async function expectQuarantined(stage: Stage, bad: BadMessage, { offset, letters }: Kept): Promise<void> {
  const { clusterId, topics } = await stage.wire.cluster([stage.source]);
  const id = recordId({ clusterId, topicId: topics.get(stage.source)?.topicId as string, partition: 0, offset });
  const { rows } = await stage.database.withClient((client) => client.query('SELECT * FROM quarantine_records WHERE id = $1', [id]));
  const [row] = rows;
  const key = bad.key ?? null;
  expect({ name: bad.name, ...row }).toMatchObject({
    name: bad.name,
    topic: stage.source,
    partition: 0,
    offset: String(offset),
    error_type: bad.errorType,
    key,
    payload_bytes: expect.toSatisfy((bytes: unknown) => Number(bytes) === bad.value.length),
    payload_sha256: createHash('sha256').update(bad.value).digest(),
    status: 'quarantined',
    version: 1,
    attempts: 0,
  });
  if (bad.fieldPath !== undefined) expect(row.field_path).toBe(bad.fieldPath);
  const { key: object, place } = parseStoragePath(row.storage_path);
  expect(object.startsWith(`${stage.source}/`)).toBe(true);
  expect((await stage.storage.read(object, place.offset, place.length)).equals(bad.value)).toBe(true);
  await expectFrame(stage, bad, { object, place });
  expectLetter(bad, { row, id, letters, offset });
}

/** The frame around the value holds key, headers and timestamp, too. */
async function expectFrame(stage: Stage, bad: BadMessage, { object, place }: { object: string; place: ValuePlace }): Promise<void> {
  const bytes = await stage.storage.read(object, 0, place.offset + place.length);
  const { key, headers, value } = decodeFrame(bytes, frameStart(bytes, place));
  expect(value.equals(bad.value)).toBe(true);
  expect(key).toEqual(bad.key ?? null);
  expect(headers).toEqual(bad.headers ?? []);
}

function expectLetter(bad: BadMessage, { row, id, letters, offset }: Kept & { row: Record<string, unknown>; id: string }): void {
  const mine = letters.filter(({ headers }) => headers.some(({ name, value }) => name === 'dq.id' && String(value) === id));
  expect(mine).toHaveLength(1);
  const [letter] = mine as [WireRecord];
  const value = String(letter.value);
  const envelope = JSON.parse(value);
  expect(envelope).toMatchObject({
    id,
    source_topic: row['topic'],
    source_partition: 0,
    source_offset: offset,
    storage_path: row['storage_path'],
    fingerprint: row['fingerprint'],
    quarantined_at: (row['quarantined_at'] as Date).toISOString(),
    validation_error: { error_type: bad.errorType, error_message: row['error_message'], field_path: row['field_path'] },
  });
  if (bad.pointer) expect([envelope.original_message, envelope.original_message_base64]).toEqual([null, null]);
  else if (bad.isJson) expect(value.startsWith(`{"original_message":${bad.value},`)).toBe(true);
  else expect([envelope.original_message, envelope.original_message_base64]).toEqual([null, bad.value.toString('base64')]);
  expect(letter.key).toEqual(bad.key ?? null);
  const source = (bad.headers ?? []).filter(({ name }) => name !== 'dq.id');
  expect(letter.headers.slice(0, source.length)).toEqual(source);
  const own = Object.fromEntries(letter.headers.slice(source.length).map((header) => [header.name, String(header.value)]));
  expect(own).toMatchObject({
    'dq.id': id,
    'dq.original.offset': String(offset),
    'dq.error.type': bad.errorType,
    'dq.payload.ref': row['storage_path'],
  });
}

/** One batch a message: what is beside it must not matter. */
function write(stage: Stage, message: RawRecord, partition = 0): Promise<void> {
  return produceRaw({ broker: stage.env['DQ_KAFKA_BROKERS'] as string, topic: stage.source, partition, batch: encodeBatch([message]) });
}

async function readAll(stage: Stage, topic: string): Promise<WireRecord[]> {
  const records: WireRecord[] = [];
  for (const [partition, to] of (await stage.wire.ends(topic)).entries()) {
    await stage.wire.read({ topic, partition, from: 0, to }, (batch) => void records.push(...batch));
  }
  return records;
}

/** The example schemas, and two whose generated validators were damaged in the cache: one never ends, one throws. */
function oddSchemas(): Pick<StageOptions, 'env' | 'settings'> {
  const dir = join(folder, 'schemas');
  cpSync(join(packageRoot, 'schemas'), dir, { recursive: true });
  const cacheDir = join(folder, 'cache');
  mkdirSync(cacheDir);
  const damaged = { slow: '/^(a|a)*$/.test(value.text)', broken: "{ throw new Error('damaged'); }" };
  for (const [name, body] of Object.entries(damaged)) {
    const schema = { type: 'object', title: name };
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, '1.0.0.yaml'), JSON.stringify({ name, version: '1.0.0', schema }));
    const digest = schemaDigest(schema);
    const link = `export function link() { return (value) => ${body}; }`;
    writeFileSync(join(cacheDir, `${digest}.mjs`), `export const digest = '${digest}';\n${link}\n${moduleEnd(digest)}\n`);
  }
  return { env: { DQ_SCHEMAS_DIR: dir }, settings: `schemas:\n  cacheDir: ${cacheDir}\n` };
}

function expectNoPayloadInLog({ log }: Engine): void {
  const lines = JSON.stringify(log);
  for (const secret of ['USER00000', 'polluted', 'passwd']) expect(lines).not.toContain(secret);
}
