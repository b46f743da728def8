import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientPublisher } from '../../drivers/kafka/client-publisher.ts';
import { silentLog } from '../../observe/log.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { openStage, type Stage } from '../../testing/engine.ts';
import { publishMessages } from '../../testing/publish-messages.ts';
import { readAll, saleSchema } from '../../testing/review-desk.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dq-mending-'));
  mkdirSync(join(folder, 'sale'));
  writeFileSync(join(folder, 'sale/1.0.0.yaml'), saleSchema);
});
afterAll(() => rmSync(folder, { recursive: true }));

const count = 400;
const valueOf = (number: number) => `{"_schema":"sale" ,"id":${number},"amount":"${number}.50","big":9007199254740993}`;

async function publish(stage: Stage): Promise<void> {
  const publisher = await ClientPublisher.open({
    client: { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} },
    messageBytesMax: new Map([[stage.source, 2 ** 20]]),
    log: silentLog(),
    onFatal: () => {},
  });
  const messages = Array.from({ length: count }, (_, number) =>
    buildMessage({ partition: number % 4, key: Buffer.from(`k${number % 40}`), value: Buffer.from(valueOf(number)) }),
  );
  await publishMessages(publisher, stage.source, messages);
  await publisher.close();
}

function caller(address: string) {
  return async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const given = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(`${address}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...given,
    });
    // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into answers of any shape.
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
}

test('a cause is found, mended by one change and replayed; the service is killed in the middle and nothing is lost, doubled or reordered', async () => {
  const stage = await openStage({ env: { DQ_SCHEMAS_DIR: folder } });
  await publish(stage);
  const engine = await stage.start();
  await stage.committed();
  const call = caller(engine.address);
  const [record] = (await call('/records?limit=1')).body.items;
  const edits = `/records/${record.id}/edits`;
  expect((await call(edits, { value: '{}' })).status).toBe(428);
  const refused = await call(edits, { value: '{"_schema":"sale","id":1,"amount":"x"}' }, { 'if-match': '1' });
  expect(refused).toMatchObject({
    status: 422,
    body: { verdict: { outcome: 'invalid', error_type: 'schema_violation', field_path: 'amount' } },
  });
  expect((await call(`${edits}/check`, { patch: [{ op: 'replace', path: '/amount', value: 1 }] })).body).toEqual({
    valid: true,
    verdict: null,
  });
  const made = await call(edits, '{"patch":[{"op":"replace","path":"/amount","value":12345678901234567890.10}]}', { 'if-match': '"1"' });
  expect(made).toMatchObject({
    status: 201,
    body: { valid: true, value: expect.stringContaining('"amount":12345678901234567890.10,') as string },
  });
  expect((await call(edits, { value: '{}' }, { 'if-match': '"1"' })).status).toBe(412);
  expect((await call(`/records/${record.id}`)).body.edits).toHaveLength(1);

  const group = `/groups/${encodeURIComponent(record.fingerprint)}`;
  const { body: proposals } = await call(`${group}/proposals`);
  expect(proposals.items[0]).toMatchObject({ kind: 'cast', coverage: 100 });
  const change = { rules: proposals.items[0].rules };
  expect((await call(`${group}/edits`, change)).body).toMatchObject({ records: count, mended: count - 1, edited: 1 });
  expect((await call(`${group}/edits`, { ...change, dry_run: false, overwrite: true })).body).toMatchObject({
    records: count,
    mended: count,
    changed: 0,
  });

  const plan = await call('/replays', { filter: { fingerprint: record.fingerprint }, rate: 120 });
  expect(plan).toMatchObject({ status: 201, body: { state: 'planned', report: { forecast: { will_pass: count } } } });
  expect((await call(`/replays/${plan.body.id}/pause`, {})).status).toBe(409);
  expect((await call(`/replays/${plan.body.id}/start`, {})).body).toMatchObject({ state: 'running' });
  await expect.poll(async () => (await call(`/replays/${plan.body.id}`)).body.progress.published, { timeout: 60_000 }).toBeGreaterThan(111);
  await engine.kill();

  const again = await stage.start();
  const callAgain = caller(again.address);
  const events = await fetch(`${again.address}/api/v1/replays/${plan.body.id}/events`);
  const told = await events.text();
  expect(told).toMatch(/^event: replay\ndata: \{.*"state":"running"/);
  expect(told).toContain('"state":"done"');
  const { body: done } = await callAgain(`/replays/${plan.body.id}`);
  expect(done).toMatchObject({ state: 'done', progress: { published: count, failed: 0 }, summary: { published: count } });
  const partitions = await readAll(stage.wire, stage.valid);
  expect(partitions.flat()).toHaveLength(count);
  for (const [partition, records] of partitions.entries()) {
    const wanted = Array.from({ length: count }, (_, number) => number).filter((number) => number % 4 === partition && partition < 4);
    const byKey = (numbers: readonly number[]) => [...numbers].sort((one, other) => (one % 40) - (other % 40));
    const numbers = records.map(({ value }) => Number(/"id":(\d+)/.exec(value?.toString() ?? '')?.[1]));
    expect(byKey(numbers)).toEqual(byKey(wanted));
    for (const [index, { value }] of records.entries())
      expect(value?.toString()).toBe(valueOf(numbers[index] as number).replace(/"(\d+\.50)"/, '$1'));
  }
  const { body: audit } = await callAgain('/audit?limit=100');
  expect(new Set((audit.items as { action: string }[]).map(({ action }) => action))).toEqual(
    new Set(['payload.read', 'record.edit', 'group.edit', 'replay.plan', 'replay.start']),
  );
  await again.stop();
  const { counts } = await stage.verify();
  expect(counts).toMatchObject({ in: count, quarantined: count, duplicates: 0, unaccounted: 0 });
});
