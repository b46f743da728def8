import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { silentLog } from '../observe/log.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { dq } from '../testing/command-line.ts';
import { openStage, type Stage } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';
import type { WhatIf } from './what-if.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-what-if-'));
});
afterAll(() => rm(folder, { recursive: true }));

const event = { _schema: 'user_event', _schema_version: '1.1.0', event_type: 'view', timestamp: '2026-01-01T00:00:00Z' };
const good = { ...event, user_id: 'USER000001' };
const bad = { ...event, user_id: 'SECRET' };

const times = (count: number, value: object) => Array.from({ length: count }, () => value);

async function feed(stage: Stage, values: readonly object[]): Promise<void> {
  const client = { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} };
  const messageBytesMax = new Map([[stage.source, 2 ** 20]]);
  const publisher = await ClientPublisher.open({ client, messageBytesMax, log: silentLog(), onFatal: () => {} });
  const records = values.map((value, index) => buildMessage({ partition: index % 8, value: Buffer.from(JSON.stringify(value)) }));
  await publishMessages(publisher, stage.source, records);
  await publisher.close();
}

async function tryOut(stage: Stage, schema: object): Promise<{ exitCode: number; answer: WhatIf; text: string }> {
  const file = join(folder, 'candidate.json');
  await writeFile(file, JSON.stringify(schema));
  const { exitCode, stdout } = await dq(`schemas whatif user_event ${file} --json`, { env: stage.env });
  return { exitCode, answer: JSON.parse(stdout) as WhatIf, text: stdout };
}

test('a candidate is tried on the open quarantine and on recent valid traffic, and no value is shown', async () => {
  const stage = await openStage();
  const sensor = { _schema: 'sensor_reading', sensor_id: 'x' };
  await feed(stage, [...times(40, good), ...times(10, bad), sensor]);
  const engine = await stage.start();
  await stage.committed();
  expect(await engine.stop()).toBe(0);

  const wider = await tryOut(stage, { type: 'object', required: ['user_id'] });
  expect(wider.exitCode).toBe(0);
  expect(wider.answer.quarantine).toMatchObject({ accepted: 10, refused: 0, other: 0, unreadable: 0 });
  expect(wider.answer.valid).toMatchObject({ accepted: 40, refused: 0 });

  await stage.database.withClient((client) =>
    client.query(
      `UPDATE quarantine_records SET storage_path = 'kafka:' || topic || '/' || partition || '/' || "offset" WHERE "offset" % 2 = 0`,
    ),
  );
  const left = await tryOut(stage, { type: 'object', required: ['user_id'] });
  expect(left.answer.quarantine).toMatchObject({ accepted: 10, refused: 0, unreadable: 0 });

  const narrower = await tryOut(stage, { required: ['country'], properties: { user_id: { pattern: '^USER' } } });
  expect(narrower.exitCode).toBe(1);
  expect(narrower.answer.quarantine).toMatchObject({ accepted: 0, refused: 10 });
  expect(narrower.answer.valid).toMatchObject({ accepted: 0, refused: 40 });
  expect(narrower.answer.valid.causes).toMatchObject([{ records: 40, error_type: 'schema_violation', keyword: 'required' }]);
  expect(narrower.answer.valid.causes[0]?.example).toContain(`${stage.valid}/`);
  expect(JSON.parse(narrower.answer.valid.causes[0]?.masked ?? '')).toMatchObject({ user_id: '<string>', '<other 1>': '<string>' });
  expect(narrower.text).not.toContain('SECRET');

  const mending = { enabled: true, rules: [{ name: 'id', do: 'map', field: '/user_id', values: { SECRET: 'USER000002' } }] };
  const pattern = { properties: { user_id: { pattern: '^USER' } } };
  const mended = await tryOut(stage, { name: 'user_event', version: '2.0.0', schema: pattern, remediation: mending });
  expect(mended.answer.quarantine).toMatchObject({ accepted: 10, remediated: 10, refused: 0 });
  expect(mended.answer.valid).toMatchObject({ accepted: 40, remediated: 0, refused: 0 });

  const file = join(folder, 'candidate.json');
  await writeFile(file, JSON.stringify({ required: ['country'] }));
  const forPeople = await dq(`schemas whatif user_event ${file}`, { env: stage.env });
  expect(forPeople.stdout).toContain('It would refuse 40 of 40 messages that are valid now.');
});
