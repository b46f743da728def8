import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasCode } from '../lib/errors.ts';
import { answer, Slab } from '../model/slab.ts';
import type { CatalogReference, CatalogWire } from '../registry/catalog.ts';
import { compileSchema } from '../registry/compiler.ts';
import { type JudgeTask, WorkerPool, type WorkerPoolOptions } from './pool.ts';
import { defaultLimits } from './read-json.ts';

const modules: Readonly<Record<string, string>> = {
  order: generated({ required: ['id'] }),
  // Exponential in the length of a text that does not match.
  slow: 'export const link = () => (value) => /^(a|a)*$/.test(value.text);',
  deadly: `export const link = () => () => process.exit(1);`,
};
const slow = JSON.stringify({ _schema: 'slow', text: `${'a'.repeat(60)}b` });
const deadly = JSON.stringify({ _schema: 'deadly' });
const valid = JSON.stringify({ _schema: 'order', id: 1 });
const faulty = JSON.stringify({ _schema: 'order' });

function generated(schema: object): string {
  const compilation = compileSchema(schema);
  if ('problem' in compilation) throw new Error(compilation.problem.message);
  return compilation.module;
}

let folder: string;
let catalog: CatalogReference;
let pool: WorkerPool | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-pool-'));
  const entries = [];
  for (const [name, text] of Object.entries(modules)) {
    const path = join(folder, `${name}.mjs`);
    await writeFile(path, text);
    entries.push({
      name,
      version: '1.0.0',
      module: pathToFileURL(path).href,
      native: null,
      digest: name,
      key: name === 'order' ? '/id' : null,
    });
  }
  catalog = await manifestOf({ revision: 1, entries, withdrawn: [] });
});
afterEach(() => pool?.close());
afterAll(() => rm(folder, { recursive: true }));

async function manifestOf(wire: CatalogWire): Promise<CatalogReference> {
  const manifest = join(folder, `catalog-${wire.revision}.json`);
  await writeFile(manifest, JSON.stringify(wire));
  return { revision: wire.revision, manifest };
}

async function open(options: Partial<WorkerPoolOptions> = {}): Promise<WorkerPool> {
  pool = await WorkerPool.open({ threads: 1, ...options });
  return pool;
}

function slabOf(values: readonly (string | null)[]): Slab {
  const slab = Slab.allocate(values.length, 100_000);
  for (const [offset, value] of values.entries()) {
    const bytes = value === null ? null : Buffer.from(value);
    slab.append({ offset, timestamp: 0, partition: 0, topic: 0, epoch: 0, value: bytes, key: null, headers: [] });
  }
  return slab;
}

const taskOf = (slab: Slab): JudgeTask => ({
  range: { from: 0, to: slab.count },
  slab: slab.toWire(),
  count: slab.count,
  topics: [{ schema: null, allowed: null, strict: false }],
  catalog,
  limits: defaultLimits,
  engine: 'js',
  producerHeaders: null,
  absent: [],
});

const answerOf = (value: string | null): number => (value === null ? answer.tombstone : value === valid ? answer.valid : answer.faulty);

describe('a pool', () => {
  test('writes the answers of a batch into its slab and returns the rest', async () => {
    const opened = await open({ threads: 2 });
    const values = [valid, faulty, null, '{', valid];
    const slab = slabOf(values);
    const { rejects, keys } = await opened.judge(taskOf(slab));
    expect([...slab.answers]).toEqual(values.map(answerOf));
    expect([...slab.schemas]).toEqual([0, 0, -1, -1, 0]);
    expect(rejects.map(({ row, fault }) => [row, fault.error_type])).toEqual([
      [1, 'schema_violation'],
      [3, 'malformed_json'],
    ]);
    expect(keys.map(([row, key]) => [row, Buffer.from(key).toString()])).toEqual([
      [0, '1'],
      [4, '1'],
    ]);
  });

  test('judges an empty batch and many batches at once', async () => {
    const opened = await open({ threads: 2 });
    expect(await opened.judge(taskOf(slabOf([])))).toEqual({ rejects: [], keys: [], samples: [], disagreements: 0, needs: [], fields: [] });
    const slabs = Array.from({ length: 20 }, () => slabOf([valid, faulty]));
    const judgements = await Promise.all(slabs.map((slab) => opened.judge(taskOf(slab))));
    expect(judgements.map(({ rejects }) => rejects.length)).toEqual(slabs.map(() => 1));
  });

  test('times out the message that holds a thread up, and judges all others', async () => {
    const opened = await open({ deadlineMs: 1_000 });
    const values = [valid, faulty, slow, valid, null, faulty];
    const slab = slabOf(values);
    const { rejects, keys } = await opened.judge(taskOf(slab));
    expect([...slab.answers]).toEqual(values.map(answerOf));
    expect(rejects.map(({ row, fault }) => [row, fault.error_type, fault.outcome])).toEqual([
      [1, 'schema_violation', 'invalid'],
      [2, 'validation_timeout', 'error'],
      [5, 'schema_violation', 'invalid'],
    ]);
    expect(keys.map(([row]) => row)).toEqual([0, 3]);
    expect(opened.threadsAlive).toBe(1);
  });

  test('makes a message that ends its thread an error of its own, and judges all others', async () => {
    const opened = await open();
    const values = [valid, deadly, faulty, deadly];
    const slab = slabOf(values);
    const { rejects } = await opened.judge(taskOf(slab));
    expect([...slab.answers]).toEqual(values.map(answerOf));
    expect(rejects.map(({ row, fault }) => [row, fault.error_type])).toEqual([
      [1, 'validator_error'],
      [2, 'schema_violation'],
      [3, 'validator_error'],
    ]);
  });

  test('takes a newer catalog when a task names one', async () => {
    const opened = await open();
    const slab = slabOf([valid]);
    await opened.judge(taskOf(slab));
    const newer = await manifestOf({ revision: 2, entries: [], withdrawn: [] });
    const { rejects } = await opened.judge({ ...taskOf(slab), catalog: newer });
    expect(rejects.map(({ fault }) => fault.error_type)).toEqual(['schema_not_found']);
  });

  test('passes on what went wrong with the catalog, code and all', async () => {
    const opened = await open();
    const missing = { revision: 3, manifest: join(folder, 'none.json') };
    const error = await opened.judge({ ...taskOf(slabOf([valid])), catalog: missing }).catch((caught: unknown) => caught);
    expect(hasCode(error, 'DQ_SCHEMA_FILE_INVALID') && error.message).toContain('none.json');
  });

  test('compiles schemas in its threads', async () => {
    const opened = await open();
    expect(await opened.compile({ required: ['id'] })).toMatchObject({ module: modules['order'] });
    expect(await opened.compile({ type: 'strnig' })).toMatchObject({ problem: { pointer: '/type' } });
  });

  test('refuses a schema that does not end, by what it is, and compiles the next', async () => {
    const opened = await open({ compileMsMax: 5_000 });
    let schema: unknown = true;
    // Small to send, and without end to walk through.
    for (let depth = 0; depth < 60; depth++) schema = { properties: { a: schema, b: schema } };
    const compilations = await Promise.all([opened.compile({ not: schema }), opened.compile({ required: ['id'] })]);
    expect(compilations).toMatchObject([
      { problem: { message: expect.stringContaining('not compiled within 5000 ms'), pointer: null, mayPass: true } },
      { module: modules['order'] },
    ]);
  });

  test('refuses work once it is closed, and fails what was out', async () => {
    const opened = await open();
    const out = opened.judge(taskOf(slabOf([slow]))).catch((error: unknown) => error);
    await opened.close();
    expect(hasCode(await out, 'DQ_WORKER_LOST')).toBe(true);
    await expect(opened.judge(taskOf(slabOf([valid])))).rejects.toMatchObject({ code: 'DQ_WORKER_LOST' });
    await expect(opened.compile({})).rejects.toMatchObject({ code: 'DQ_WORKER_LOST' });
  });
});
