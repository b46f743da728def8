import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SchemaRegistry, type SchemaRegistryOptions } from '../drivers/schema-registry/schema-registry.ts';
import { hasCode } from '../lib/errors.ts';
import { register, registryUrl, removeSubject } from '../testing/schema-registry.ts';
import { type Compilation, compileSchema } from './compiler.ts';
import { Registry } from './registry.ts';
import { needText } from './schema-need.ts';
import { loadValidator } from './validator-runtime.ts';

let folder: string;
let registry: Registry | null = null;
let gate: Server | null = null;
/** The paths that were asked for through the gate. */
let asked: string[] = [];
const log = { info: () => {}, warn: () => {}, error: () => {} };
const anonymous = { username: null, password: null, token: null };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-remote-'));
  await mkdir(join(folder, 'schemas', 'local'), { recursive: true });
  await writeFile(join(folder, 'schemas', 'local', '1.0.0.yaml'), 'name: local\nversion: 1.0.0\nschema: true\n');
});
afterEach(async () => {
  await registry?.close();
  registry = null;
  gate?.close();
  gate = null;
  await rm(folder, { recursive: true });
});

async function open(options: Partial<SchemaRegistryOptions> = {}, compile = compileSchema): Promise<Registry> {
  const address = { url: registryUrl(), ...anonymous, ...options };
  registry = await Registry.open({
    dir: join(folder, 'schemas'),
    cacheDir: join(folder, 'cache'),
    prebuiltDir: null,
    compile,
    log,
    remote: { url: 'the registry of this test', source: new SchemaRegistry(address) },
  });
  return registry;
}

/** What the catalog finds for an id: names and versions. */
const byId = (opened: Registry, id: number): string[] =>
  opened
    .catalog()
    .numbersOf(id)
    .map((number) => {
      const entry = opened.catalog().entry(number);
      return `${entry?.name}@${entry?.version}`;
    });

async function accepts(opened: Registry, name: string, value: unknown): Promise<boolean> {
  const entry = opened.catalog().entry(opened.catalog().find(name, null));
  return (await loadValidator(entry?.module as string))(value);
}

async function passOn(path: string, response: ServerResponse): Promise<void> {
  const answer = await fetch(new URL(registryUrl()).origin + path);
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}

/** Passes on to the registry what carries the right authorization; 401 for all else, and `status` for everything where it is given. */
async function openGate(authorization: string, status: number | null = null): Promise<string> {
  asked = [];
  gate = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (status !== null) return void response.writeHead(status).end('<html>');
    if (request.headers.authorization !== authorization) return void response.writeHead(401).end();
    void passOn(request.url ?? '', response);
  });
  await new Promise<void>((resolve) => gate?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(gate.address() as AddressInfo).port}${new URL(registryUrl()).pathname}`;
}

test('subjects are schemas beside those of the folder, found by name, version and id', async () => {
  const first = await register('Orders-value', { required: ['a'] });
  const second = await register('Orders-value', { required: ['b'] });
  const opened = await open();
  expect(opened.catalog().names).toEqual(expect.arrayContaining(['Orders-value', 'local']));
  expect(opened.catalog().versions('Orders-value')).toEqual(['1', '2']);
  expect([byId(opened, first), byId(opened, second)]).toEqual([['Orders-value@1'], ['Orders-value@2']]);
  expect([await accepts(opened, 'Orders-value', { b: 1 }), await accepts(opened, 'Orders-value', { a: 1 })]).toEqual([true, false]);
});

test('a schema that refers to others is put together from the registry, however deep', async () => {
  await register('unit', { enum: ['C', 'F'] });
  await register('reading', { properties: { unit: { $ref: 'unit.json' } } }, [{ name: 'unit.json', subject: 'unit', version: 1 }]);
  await register('report', { properties: { last: { $ref: 'reading.json' } } }, [{ name: 'reading.json', subject: 'reading', version: 1 }]);
  const opened = await open();
  const report = (unit: string) => accepts(opened, 'report', { last: { unit } });
  expect([await report('C'), await report('K')]).toEqual([true, false]);
});

test('what came later is found when a message needs it, and a no is remembered for a while', async () => {
  const opened = await open();
  const id = await register('late', { required: ['x'] });
  await register('late', { required: ['y'] });
  const needs = [
    { id },
    { name: 'late', version: '2' },
    { name: 'late', version: '9' },
    ...['../never', '..', '.', '', 'a/b', 'a%2fb', 'a\u0000b', '\ud800', 'x'.repeat(1_024)].map((name) => ({ name, version: null })),
    { id: -1 },
    { id: 987_654 },
  ];
  const absent = await opened.ask(needs.map(needText));
  expect(absent).toEqual(needs.slice(2).map(needText));
  expect(opened.absent()).toEqual(absent);
  expect([byId(opened, id), opened.catalog().versions('late')]).toEqual([['late@1'], ['1', '2']]);
});

test('a subject that is deleted loses its name and keeps its id', async () => {
  const id = await register('gone', { required: ['g'] });
  const opened = await open();
  await removeSubject('gone');
  await opened.reload();
  expect(opened.catalog().find('gone', null)).toBe(-1);
  expect(byId(opened, id)).toEqual(['gone@1']);
});

test('a schema whose compiling was cut off is tried again by the next load, and not for the next message', async () => {
  const id = await register('cut', { required: ['cut'] });
  let tries = 0;
  const compile = (schema: unknown): Compilation => {
    if (!JSON.stringify(schema).includes('"cut"')) return compileSchema(schema);
    tries += 1;
    return tries === 1 ? { problem: { message: 'it was not compiled in time', pointer: null, mayPass: true } } : compileSchema(schema);
  };
  const opened = await open({}, compile);
  expect([await opened.ask([needText({ id })]), tries]).toEqual([[needText({ id })], 1]);
  await opened.reload();
  expect([byId(opened, id), tries]).toEqual([['cut@1'], 2]);
});

test('a schema that cannot be used is refused and the others go on', async () => {
  await register('loose', { properties: { a: { $ref: 'http://127.0.0.1:9/never-fetched.json' } } });
  const opened = await open();
  expect(opened.catalog().find('loose', null)).toBe(-1);
  expect(opened.catalog().find('local', null)).toBeGreaterThanOrEqual(0);
});

test('it opens with user and password, from the settings or the URL, or with a token, and not without', async () => {
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  const url = await openGate(basic);
  expect((await open({ url, username: 'me', password: 'secret' })).catalog().hasRegistry).toBe(true);
  await registry?.close();
  expect((await open({ url: url.replace('//', '//me:secret@') })).catalog().hasRegistry).toBe(true);
  await registry?.close();
  await expect(open({ url })).rejects.toSatisfy((error) => hasCode(error, 'DQ_SCHEMA_REGISTRY_REFUSED'));
  gate?.close();
  const behindToken = await openGate('Bearer t0ken');
  expect((await open({ url: behindToken, token: 't0ken' })).catalog().hasRegistry).toBe(true);
});

test('while it is away the last copy serves, a need stays open, and without a copy nothing opens', async () => {
  const id = await register('kept', { required: ['k'] });
  const away = await openGate('', 404);
  const isAway = (error: unknown) => hasCode(error, 'DQ_SCHEMA_REGISTRY_STRANGE');
  await expect(open({ url: away })).rejects.toSatisfy(isAway);
  await (await open()).close();
  const opened = await open({ url: away });
  expect(byId(opened, id)).toEqual(['kept@1']);
  await expect(opened.ask([needText({ id: 987_654 })])).rejects.toSatisfy(isAway);
  expect(opened.absent()).toEqual([]);
});

test('a server that is away may come back, one that is no schema registry is told apart from it', async () => {
  const isAway = (error: unknown) => hasCode(error, 'DQ_SCHEMA_REGISTRY_UNREACHABLE');
  await expect(open({ url: 'http://127.0.0.1:9' })).rejects.toSatisfy(isAway);
  for (const [status, code] of [
    [503, 'DQ_SCHEMA_REGISTRY_UNREACHABLE'],
    [404, 'DQ_SCHEMA_REGISTRY_STRANGE'],
    [200, 'DQ_SCHEMA_REGISTRY_STRANGE'],
  ] as const) {
    await expect(open({ url: await openGate('', status) })).rejects.toSatisfy((error) => hasCode(error, code));
    gate?.close();
  }
});

test('names and ids that messages make up cost the registry a few requests, however many they are', async () => {
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  const opened = await open({ url: await openGate(basic), username: 'me', password: 'secret' });
  asked = [];
  const batches = Array.from({ length: 20 }, (_, batch) =>
    Array.from({ length: 100 }, (_name, index) => needText({ name: `made-up-${batch}-${index}`, version: null })),
  );
  const absent = await Promise.all(batches.map((needs) => opened.ask(needs)));
  expect(absent).toEqual(batches);
  expect(asked.filter((path) => path.endsWith('/subjects'))).toHaveLength(1);
  asked = [];
  const ids = Array.from({ length: 80 }, (_, index) => needText({ id: 900_000 + index }));
  const first = await opened.ask(ids);
  expect([first.length, asked.length]).toEqual([50, 100]);
  expect(await opened.ask(ids)).toEqual(ids);
});
