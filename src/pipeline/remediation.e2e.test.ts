import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { silentLog } from '../observe/log.ts';
import { parseStoragePath } from '../store/segment.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { openStage } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';

const schemaFile = `name: sale
version: 1.0.0
schema:
  type: object
  required: [id, amount]
  properties: { id: { type: integer }, amount: { type: number } }
remediation:
  enabled: true
  keepOriginal: true
  rules:
    - { name: amount_as_number, do: cast, field: /amount, to: number }
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-remediation-'));
  await mkdir(join(folder, 'sale'));
  await writeFile(join(folder, 'sale/1.0.0.yaml'), schemaFile);
});
afterAll(() => rm(folder, { recursive: true }));

/** One in three is good, one can be mended, one cannot. */
function valueOf(number: number): string {
  const amount = ['1.50', '"9007199254740993.10"', '"much"'][number % 3];
  return `{"_schema":"sale" ,"id":${number},"note":"\\u00e4","amount":${amount}}`;
}

test.each(['native', 'client'])('in the %s lane mended messages go on in their place, and the ledger finds them', async (lane) => {
  const stage = await openStage({ env: { DQ_LANE: lane, DQ_SCHEMAS_DIR: folder } });
  const publisher = await ClientPublisher.open({
    client: { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} },
    messageBytesMax: new Map([[stage.source, 2 ** 20]]),
    log: silentLog(),
    onFatal: () => {},
  });
  const count = 3_000;
  const message = (number: number) => buildMessage({ partition: 0, key: Buffer.from('k'), value: Buffer.from(valueOf(number)) });
  await publishMessages(
    publisher,
    stage.source,
    Array.from({ length: count }, (_, number) => message(number)),
  );
  await publisher.close();
  const engine = await stage.start();
  await stage.committed();
  const metrics = await (await fetch(`${engine.address}/metrics`)).text();
  expect(metrics).toMatch(/^dataquarantine_records_remediated_total 1000$/m);
  expect(metrics).toMatch(/^dataquarantine_remediations_total\{schema="sale",rule="amount_as_number@1"\} 1000$/m);
  expect(await engine.stop()).toBe(0);
  const { counts, unaccounted } = await stage.verify();
  expect(unaccounted).toEqual([]);
  expect(counts).toMatchObject({ in: count, valid: 1_000, remediated: 1_000, quarantined: 1_000, duplicates: 0, unaccounted: 0 });

  const values: string[] = [];
  const rules: (string | null)[] = [];
  const originals: string[] = [];
  const [to] = await stage.wire.ends(stage.valid);
  await stage.wire.read({ topic: stage.valid, partition: 0, from: 0, to: to as number }, (records) => {
    for (const { value, headers } of records) {
      values.push(value?.toString() ?? '');
      const text = (name: string) => headers.find((header) => header.name === name)?.value?.toString() ?? null;
      rules.push(text('dq.remediated'));
      const original = text('dq.payload.ref');
      if (original !== null) originals.push(original);
    }
  });
  const passed = Array.from({ length: count }, (_, number) => number).filter((number) => number % 3 < 2);
  expect(values).toEqual(passed.map((number) => valueOf(number).replace('"9007199254740993.10"', '9007199254740993.10')));
  expect(rules).toEqual(passed.map((number) => (number % 3 === 1 ? 'amount_as_number@1' : null)));
  const { key, place } = parseStoragePath(originals[7] as string);
  expect((await stage.storage.read(key, place.offset, place.length)).toString()).toBe(valueOf(3 * 7 + 1));
  expect(originals).toHaveLength(1_000);
});
