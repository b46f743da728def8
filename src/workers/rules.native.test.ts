import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer, Slab } from '../model/slab.ts';
import { Registry } from '../registry/registry.ts';
import { WorkerPool } from './pool.ts';
import { defaultLimits } from './read-json.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const schemaFile = `name: span
version: 1.0.0
schema: { type: object, required: [start, end], properties: { start: { type: integer }, end: { type: integer } } }
rules:
  - name: order
    check: value.start < value.end
    message: expected the end after the start
    field: /end
`;

let folder: string;
let registry: Registry;
let pool: WorkerPool;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-rules-'));
  await mkdir(join(folder, 'schemas/span'), { recursive: true });
  await writeFile(join(folder, 'schemas/span/1.0.0.yaml'), schemaFile);
  registry = await Registry.open({ dir: join(folder, 'schemas'), cacheDir: join(folder, 'cache'), prebuiltDir: null, log: quiet });
  pool = await WorkerPool.open({ threads: 1 });
});
afterAll(async () => {
  await pool.close();
  await registry.close();
  await rm(folder, { recursive: true });
});

test.each(['native', 'js'] as const)('rules have the last word behind the %s engine', async (engine) => {
  const values = ['{"start":1,"end":2}', '{"start":2,"end":1}', '{"start":2}', '{"start":3,"end":4}'];
  const slab = Slab.allocate(values.length, 10_000);
  for (const [offset, value] of values.entries()) {
    slab.append({ offset, timestamp: 0, partition: 0, topic: 0, epoch: 0, value: Buffer.from(value), key: null, headers: [] });
  }
  const topics = [{ schema: 'span', allowed: null, strict: false }];
  const task = {
    slab: slab.toWire(),
    count: slab.count,
    range: { from: 0, to: slab.count },
    topics,
    limits: defaultLimits,
    engine,
    absent: [],
    producerHeaders: null,
  };
  const { rejects, disagreements } = await pool.judge({ ...task, catalog: registry.reference() });
  expect([...slab.answers]).toEqual([answer.valid, answer.faulty, answer.faulty, answer.valid]);
  expect(rejects.map(({ row, fault }) => [row, fault.keyword, fault.field_path, fault.error_message])).toEqual([
    [1, 'rule:order', 'end', 'expected the end after the start'],
    [2, 'required', 'end', 'expected the member "end" to be present'],
  ]);
  expect(disagreements).toBe(0);
});
