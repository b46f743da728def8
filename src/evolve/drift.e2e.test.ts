import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { silentLog } from '../observe/log.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { dq } from '../testing/command-line.ts';
import { openStage, type Stage } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';
import type { Drift } from './drift-report.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-drift-'));
  await mkdir(join(folder, 'order'));
  const schema = {
    type: 'object',
    required: ['id'],
    properties: { _schema: {}, id: { type: 'string' }, old: {}, state: { enum: ['new', 'done'] } },
  };
  await writeFile(join(folder, 'order', '1.0.0.yaml'), `name: order\nversion: 1.0.0\nschema: ${JSON.stringify(schema)}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

async function feed(stage: Stage, values: readonly object[]): Promise<void> {
  const client = { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} };
  const messageBytesMax = new Map([[stage.source, 2 ** 20]]);
  const publisher = await ClientPublisher.open({ client, messageBytesMax, log: silentLog(), onFatal: () => {} });
  const headers = [{ name: 'ce_source', value: Buffer.from('/shop') }];
  await publishMessages(
    publisher,
    stage.source,
    values.map((value, index) => buildMessage({ partition: index % 8, value: Buffer.from(JSON.stringify(value)), headers })),
  );
  await publisher.close();
}

test('what producers send beside the schema is seen, kept without values, shown, and proposed as the next version', async () => {
  const stage = await openStage({ env: { DQ_SCHEMAS_DIR: folder } });
  const order = { _schema: 'order', id: 'x', gift: { wrap: 'SECRET' } };
  await feed(stage, [...Array.from({ length: 120 }, () => order), { _schema: 'order', id: 'x', state: 'SECRET' }]);
  const engine = await stage.start();
  await stage.committed();
  const metrics = await (await fetch(`${engine.address}/metrics`)).text();
  expect(metrics).toContain('dataquarantine_drift_fields_total{schema="order"} 2');
  expect(await engine.stop()).toBe(0);

  const { exitCode, stdout } = await dq('schemas drift order --json', { env: stage.env });
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain('SECRET');
  const { drift } = JSON.parse(stdout) as { drift: Drift[] };
  expect(drift.map(({ kind, path, producer, keyword }) => [kind, path, producer, keyword])).toEqual([
    ['unplanned', '/gift', '/shop', null],
    ['unplanned', '/gift/wrap', '/shop', null],
    ['vanished', '/old', '/shop', null],
    ['vanished', '/state', '/shop', null],
    ['refused', 'state', null, 'enum'],
  ]);
  expect(drift[0]).toMatchObject({ types: ['object'], messages: 120, samples: 120 });
  const proposal = await dq('schemas drift order --propose', { env: stage.env });
  expect(proposal.stdout).toMatch(/version: 1\.1\.0\n[^]*gift:\n\s+type: object\n\s+properties:\n\s+wrap:\n\s+type: string/);
});
