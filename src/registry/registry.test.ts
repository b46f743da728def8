import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildValidators } from './build.ts';
import type { CatalogWire } from './catalog.ts';
import { compileSchema } from './compiler.ts';
import { Registry, type RegistryOptions } from './registry.ts';
import { loadValidator } from './validator-runtime.ts';

let folder: string;
let registry: Registry;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-registry-'));
  lines = [];
  await put('order', '1.0.0', { required: ['id'] });
});
afterEach(async () => {
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

const pathOf = (name: string, version: string): string => join(folder, 'schemas', name, `${version}.yaml`);

async function put(name: string, version: string, schema: unknown, extra = ''): Promise<void> {
  await mkdir(join(folder, 'schemas', name), { recursive: true });
  await writeFile(pathOf(name, version), `name: ${name}\nversion: ${version}\n${extra}schema: ${JSON.stringify(schema)}\n`);
}

const log = { info: note, warn: note, error: note };
function note(fields: object, message: string): void {
  lines.push(`${message} ${JSON.stringify(fields)}`);
}

async function open(options: Partial<RegistryOptions> = {}): Promise<Registry> {
  const base = { dir: join(folder, 'schemas'), cacheDir: join(folder, 'cache'), prebuiltDir: null, withdrawMsAfter: 0, log };
  registry = await Registry.open({ ...base, ...options });
  return registry;
}

const found = (): string[] =>
  registry.catalog().names.flatMap((name) =>
    registry
      .catalog()
      .versions(name)
      .map((version) => `${name}@${version}`),
  );

async function accepts(number: number, value: unknown): Promise<boolean> {
  return (await loadValidator(registry.catalog().entry(number)?.module as string))(value);
}

describe('an open registry', () => {
  test('has a working validator for every version, and a manifest that says the same', async () => {
    await put('order', '1.1.0', { type: 'string' }, 'key: /id\n');
    await open();
    expect(found()).toEqual(['order@1.0.0', 'order@1.1.0']);
    expect([await accepts(0, {}), await accepts(0, { id: 1 }), await accepts(1, 'x')]).toEqual([false, true, true]);
    const manifest: CatalogWire = JSON.parse(await readFile(registry.reference().manifest, 'utf8'));
    expect(manifest).toEqual(registry.catalog().toWire());
    expect(manifest.entries.map(({ key }) => key)).toEqual([null, '/id']);
  });

  test('refuses a bad file by name and place and uses the others', async () => {
    await put('order', '2.0.0', { properties: { a: { type: 'strnig' } } });
    await put('other', '1.0.0', {}, 'colour: red\n');
    await open();
    expect(found()).toEqual(['order@1.0.0']);
    expect(registry.refusals.map(({ error }) => error.message)).toEqual([
      expect.stringContaining(`${pathOf('order', '2.0.0')}:3:36 at /properties/a/type: `),
      expect.stringContaining(`${pathOf('other', '1.0.0')}:3:1: unknown key "colour"`),
    ]);
    expect(lines.filter((line) => line.startsWith('schema refused'))).toHaveLength(2);
  });

  test('tries a schema that does not compile once, whatever names it and however often it is read', async () => {
    const wrong = { properties: { a: { type: 'strnig' } } };
    await put('order', '2.0.0', wrong);
    await put('other', '1.0.0', wrong);
    const compile = vi.fn(compileSchema);
    await open({ compile });
    await rename(pathOf('order', '2.0.0'), pathOf('order', '2.0.1'));
    await put('order', '2.0.1', wrong);
    await registry.reload();
    expect(registry.refusals.map(({ path }) => path)).toEqual([pathOf('other', '1.0.0'), pathOf('order', '2.0.1')]);
    expect(compile.mock.calls.filter(([schema]) => JSON.stringify(schema) === JSON.stringify(wrong))).toHaveLength(1);
  });

  test('refuses a file that says it is another version than its place', async () => {
    await put('order', '1.0.1', {});
    await rename(pathOf('order', '1.0.1'), pathOf('order', '1.0.2'));
    await open();
    expect(registry.refusals[0]?.error.message).toContain('the file says version "1.0.1", but its place says order 1.0.2');
  });

  test('does not open without its folder', async () => {
    await expect(open({ dir: join(folder, 'none') })).rejects.toMatchObject({ code: 'DQ_SCHEMA_FILE_INVALID' });
  });

  test('says that it cannot write its cache', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(open({ cacheDir: join(folder, 'file') })).rejects.toMatchObject({ code: 'DQ_CONFIG_INVALID' });
  });
});

describe('a reload', () => {
  test('adds a new version at the end of the numbers and leaves the old catalog as it was', async () => {
    await open();
    const before = registry.catalog();
    await put('alpha', '1.0.0', {});
    await registry.reload();
    expect([before.find('alpha', null), registry.catalog().find('alpha', null), registry.catalog().find('order', null)]).toEqual([
      -1, 1, 0,
    ]);
    expect(registry.catalog().revision).toBe(before.revision + 1);
  });

  test('that finds nothing new keeps the very catalog', async () => {
    await open();
    const before = registry.catalog();
    await registry.reload();
    expect(registry.catalog()).toBe(before);
  });

  test('keeps the last good version of a file that broke, and takes it up again once it is mended', async () => {
    await open();
    for (const broken of ['name: order\nversion: [', '', 'name: order\nversion: 1.0.0\nschema: { type: nonsense }\n']) {
      await writeFile(pathOf('order', '1.0.0'), broken);
      await registry.reload();
      expect(registry.refusals).toHaveLength(1);
      expect(registry.catalog().find('order', '1.0.0')).toBe(0);
    }
    await put('order', '1.0.0', { required: ['id'] });
    await registry.reload();
    expect(registry.refusals).toEqual([]);
    expect(registry.catalog().find('order', '1.0.0')).toBe(0);
  });

  test('logs the same broken text once', async () => {
    await open();
    await writeFile(pathOf('order', '1.0.0'), 'name: [');
    await registry.reload();
    await registry.reload();
    expect(lines.filter((line) => line.startsWith('schema refused'))).toHaveLength(1);
  });

  test('gives a version that changed in place a new number, and its old one back when it changes back', async () => {
    await open();
    await put('order', '1.0.0', { required: ['name'] });
    await registry.reload();
    expect(registry.catalog().find('order', '1.0.0')).toBe(1);
    expect([await accepts(0, { id: 1 }), await accepts(1, { id: 1 })]).toEqual([true, false]);
    await put('order', '1.0.0', { required: ['id'] });
    await registry.reload();
    expect(registry.catalog().find('order', '1.0.0')).toBe(0);
  });

  test('withdraws a version whose file is gone, and its number stays readable', async () => {
    await put('order', '1.1.0', {});
    await open();
    await rm(pathOf('order', '1.1.0'));
    await registry.reload();
    expect(found()).toEqual(['order@1.0.0']);
    expect(registry.catalog().entry(1)?.version).toBe('1.1.0');
  });

  test('does not withdraw a version whose file is gone for a moment only', async () => {
    await open({ withdrawMsAfter: 60_000 });
    await rm(pathOf('order', '1.0.0'));
    await registry.reload();
    expect(found()).toEqual(['order@1.0.0']);
    await put('order', '1.0.0', { required: ['id'] });
    await registry.reload();
    expect(registry.catalog().revision).toBe(1);
  });

  test('keeps everything while the folder cannot be read', async () => {
    await open();
    await rename(join(folder, 'schemas'), join(folder, 'away'));
    await registry.reload();
    expect(found()).toEqual(['order@1.0.0']);
    expect(lines.at(-1)).toContain('could not be reloaded');
  });

  test('tries again what failed for another reason than the file', async () => {
    let fails = true;
    await open({
      compile: (schema) => {
        if (fails) throw new Error('no thread');
        return compileSchema(schema);
      },
    });
    expect(found()).toEqual([]);
    fails = false;
    await registry.reload();
    expect(found()).toEqual(['order@1.0.0']);
  });

  test('tries a schema whose compiling was cut off once more in each load, and refuses it for good at the third', async () => {
    const slow = { required: ['slow'] };
    await put('order', '1.1.0', slow);
    await put('other', '1.0.0', slow);
    let left = 2;
    const compile = vi.fn((schema: unknown) => {
      const isCut = JSON.stringify(schema) === JSON.stringify(slow) && left-- > 0;
      return isCut ? { problem: { message: 'it was not compiled in time', pointer: null, mayPass: true as const } } : compileSchema(schema);
    });
    const timesOf = () => compile.mock.calls.filter(([schema]) => JSON.stringify(schema) === JSON.stringify(slow)).length;
    await open({ compile });
    expect([found(), timesOf()]).toEqual([['order@1.0.0'], 1]);
    expect(registry.refusals[0]?.error.message).toContain('in time; it is tried again later');
    await registry.reload();
    expect([found(), timesOf()]).toEqual([['order@1.0.0'], 2]);
    await registry.reload();
    expect([found(), timesOf(), registry.refusals]).toEqual([['order@1.0.0', 'order@1.1.0', 'other@1.0.0'], 3, []]);

    await registry.close();
    await rm(join(folder, 'cache'), { recursive: true });
    left = Number.POSITIVE_INFINITY;
    compile.mockClear();
    await open({ compile });
    for (let load = 0; load < 4; load++) await registry.reload();
    expect([found(), timesOf()]).toEqual([['order@1.0.0'], 3]);
    expect(registry.refusals.map(({ error }) => error.message)).toEqual([
      expect.stringMatching(/in time$/),
      expect.stringMatching(/in time$/),
    ]);
  });

  test('comes by itself when a file changes, also in a folder that was not there before', async () => {
    await open();
    await put('alpha', '1.0.0', {});
    await vi.waitFor(() => expect(found()).toContain('alpha@1.0.0'), { timeout: 20_000 });
    await put('alpha', '1.1.0', {});
    await vi.waitFor(() => expect(found()).toContain('alpha@1.1.0'), { timeout: 20_000 });
  });
});

describe('generated code', () => {
  test('of a build is used only for the very schema that it was made from', async () => {
    await put('order', '1.1.0', { required: ['a'] });
    const out = join(folder, 'generated');
    await buildValidators(join(folder, 'schemas'), out);
    await put('order', '1.1.0', { required: ['b'] });
    await open({ prebuiltDir: out });
    const [first, second] = registry.catalog().entries;
    expect(first?.module).toContain('/generated/validators/order@1.0.0.mjs');
    expect(second?.module).toContain('/cache/');
    expect([await accepts(0, {}), await accepts(1, { b: 1 })]).toEqual([false, true]);
  });

  test('of a build is the same when it is built twice, and what is gone is removed', async () => {
    const out = join(folder, 'generated');
    await buildValidators(join(folder, 'schemas'), out);
    const first = await readFile(join(out, 'validators', 'order@1.0.0.mjs'), 'utf8');
    await put('alpha', '1.0.0', {});
    await rm(join(folder, 'schemas', 'alpha'), { recursive: true });
    await writeFile(join(out, 'validators', 'alpha@1.0.0.mjs'), '');
    await buildValidators(join(folder, 'schemas'), out);
    expect(await readFile(join(out, 'validators', 'order@1.0.0.mjs'), 'utf8')).toBe(first);
    expect(await readdir(join(out, 'validators'))).toEqual(['order@1.0.0.mjs', 'order@1.0.0.native.json']);
  });

  test('in the cache is used again, unless it was cut short', async () => {
    let compiled = 0;
    const compile = (schema: unknown) => {
      compiled += 1;
      return compileSchema(schema);
    };
    await open({ compile });
    const file = new URL(registry.catalog().entry(0)?.module as string);
    await registry.close();
    await (await open({ compile })).close();
    expect(compiled).toBe(1);
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 500));
    await open({ compile });
    expect(compiled).toBe(2);
    expect(await accepts(0, { id: 1 })).toBe(true);
  });

  test('is written whole: no drafts stay behind', async () => {
    await open();
    await access(registry.reference().manifest);
    expect((await readdir(join(folder, 'cache'))).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });
});
