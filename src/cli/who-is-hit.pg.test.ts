import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../drivers/postgres/database.ts';
import { DriftStore } from '../store/drift-store.ts';
import { dq } from '../testing/command-line.ts';
import { freshDatabase } from '../testing/database.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-hit-'));
  const version = (number: string, type: string) =>
    writeFile(join(folder, `${number}.yaml`), `name: order\nversion: ${number}\nowner: shop\nschema: { type: ${type} }\n`);
  await version('1.0.0', 'object');
  await version('1.1.0', 'string');
});
afterAll(() => rm(folder, { recursive: true }));

const diff = (env: Readonly<Record<string, string>>) =>
  dq(`schemas diff ${join(folder, '1.0.0.yaml')} ${join(folder, '1.1.0.yaml')}`, { env });

test('who breaks a schema sees which producers send it, and what of it is in quarantine', async () => {
  const url = await freshDatabase();
  const database = openDatabase({ url, poolMax: 1 });
  const lastSeen = new Date('2026-05-06T07:08:09Z');
  const field = { schemaName: 'order', schemaVersion: '1.0.0', path: '', type: 'object', firstSeen: lastSeen, lastSeen };
  await new DriftStore(database).add([
    { ...field, producer: '/till', messages: 7 },
    { ...field, producer: '/web', messages: 1_200 },
    { ...field, producer: '/web', path: '/id', messages: 999_999 },
    { ...field, producer: '/other', schemaName: 'payment', messages: 3 },
  ]);
  const row = (id: number, schema: string, status: string) =>
    `('00000000-0000-0000-0000-00000000000${id}', 'raw', 0, ${id}, '${schema}', 'schema_violation', 'm', 'f', 's', 1, '', '${status}', '2026-05-06Z')`;
  await database.withClient((client) =>
    client.query(
      `INSERT INTO quarantine_records (id, topic, partition, "offset", schema_name, error_type, error_message, fingerprint, storage_path,
         payload_bytes, payload_sha256, status, quarantined_at)
       VALUES ${[row(1, 'order', 'quarantined'), row(2, 'order', 'quarantined'), row(3, 'order', 'discarded'), row(4, 'payment', 'quarantined')]}`,
    ),
  );
  await database.close();

  const { exitCode, stdout } = await diff({ DQ_POSTGRES_URL: url });
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`    owner        shop
    topics       raw-events, where messages name it themselves
    producers    /web  (1,200 messages sampled, the last on 2026-05-06)
                 /till  (7 messages sampled, the last on 2026-05-06)
    quarantine   raw  (2 records, the last on 2026-05-06)
`);
});

test('a database that is away changes nothing of the answer', async () => {
  const { exitCode, stdout } = await diff({ DQ_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none' });
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining('producers    not known: ')]);
});
