import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dq } from '../testing/command-line.ts';
import { compileInMemory, compileNative, compileSchema } from './compiler.ts';
import { schemaLimits } from './schema-safety.ts';
import { loadValidator } from './validator-runtime.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-safety-'));
});
afterAll(() => rm(folder, { recursive: true }));

function problemOf(schema: unknown): unknown {
  const compilation = compileSchema(schema);
  return 'problem' in compilation ? compilation.problem : null;
}

const hostile = { properties: { a: { pattern: '^(a|a)*$' } }, patternProperties: { '(x+x+)+y': false } };
const bait = { a: `${'a'.repeat(5_000)}b`, ['x'.repeat(5_000)]: 1 };

describe('a pattern that backtracks without end', () => {
  test('is answered at once, in memory and in a generated module', async () => {
    const compilation = compileSchema(hostile);
    if ('problem' in compilation) throw new Error(compilation.problem.message);
    expect(compilation.module).not.toMatch(/\beval\b|new Function/);
    const path = join(folder, 'hostile.mjs');
    await writeFile(path, compilation.module);
    for (const validate of [compileInMemory(hostile), await loadValidator(pathToFileURL(path).href)]) {
      expect(validate(bait)).toBe(false);
      expect(validate.errors?.[0]).toMatchObject({ keyword: 'pattern', instancePath: '/a', params: { pattern: '^(a|a)*$' } });
      expect([validate({ a: 'aaa' }), validate({ xxy: 1 })]).toEqual([true, false]);
    }
  });

  test('leaves the other patterns of a schema to the platform', () => {
    const mixed = { anyOf: [{ pattern: '^(a+)+$' }, { pattern: '^[0-9]{3}$' }] };
    expect(['aa', '123', 'b'].map((value) => compileInMemory(mixed)(value))).toEqual([true, true, false]);
  });

  test('is refused with its place where no linear engine can say it', () => {
    expect(problemOf({ properties: { a: { pattern: '^(?=.)(a|a)*$' } } })).toMatchObject({ pointer: '/properties/a/pattern' });
  });
});

describe('a schema beyond the limits', () => {
  test('is refused for its depth, however deep it is', () => {
    let deep: object = {};
    for (let depth = 0; depth < 200_000; depth += 1) deep = { not: deep };
    expect(problemOf(deep)).toMatchObject({ message: expect.stringContaining('deep') });
  });

  test('is refused for its size and for its branches', () => {
    expect(problemOf({ description: 'x'.repeat(schemaLimits.bytes) })).toMatchObject({ message: expect.stringContaining('bytes') });
    const anyOf = Array.from({ length: schemaLimits.branches + 1 }, (_, index) => ({ const: index }));
    expect(problemOf({ properties: { a: { anyOf } } })).toMatchObject({ pointer: '/properties/a/anyOf' });
  });

  test('is refused for its patterns, where too many of them need the linear engine', () => {
    const anyOf = Array.from({ length: schemaLimits.linearPatterns + 1 }, (_, index) => ({ pattern: `^(a|a)*${index}$` }));
    expect(problemOf({ anyOf: anyOf.slice(1) })).toBeNull();
    expect(problemOf({ anyOf })).toMatchObject({ message: expect.stringContaining('linear'), pointer: '/anyOf/200/pattern' });
  });

  test('is judged in JavaScript where the tables of all its patterns would fill the memory', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    const anyOf = Array.from({ length: 60 }, (_, index) => ({ pattern: `^${letters.repeat(24)}${index}$` }));
    expect(compileNative({ anyOf: anyOf.slice(0, 2) })).toHaveProperty('program');
    expect(compileNative({ anyOf })).toMatchObject({ declined: expect.stringMatching(/^at \/anyOf\/\d+\/pattern: .*memory/) });
  });

  test('is named with line and column by the check, and the rest go on', async () => {
    const place = async (name: string, schema: string): Promise<void> => {
      await mkdir(join(folder, 'schemas', name), { recursive: true });
      await writeFile(join(folder, 'schemas', name, '1.0.0.yaml'), `name: ${name}\nversion: 1.0.0\nschema: ${schema}\n`);
    };
    await place('deep', `${'{ not: '.repeat(300)}{}${' }'.repeat(300)}`);
    await place('deeper', '['.repeat(100_000));
    await place('fine', '{ type: object }');
    await place('looping', "{ $ref: '#' }");
    await place('pattern', "\n  pattern: '^(?=.)(a|a)*$'");
    const { exitCode, stdout } = await dq(`schemas check ${join(folder, 'schemas')} --json`);
    const { schemas } = JSON.parse(stdout) as { schemas: readonly { name: string; problems: readonly string[] }[] };
    expect(exitCode).toBe(1);
    expect(schemas.map(({ name, problems }) => [name, problems.length])).toEqual([
      ['deep', 1],
      ['deeper', 1],
      ['fine', 0],
      ['looping', 1],
      ['pattern', 1],
    ]);
    for (const { name, problems } of schemas)
      for (const problem of problems) expect(problem).toMatch(new RegExp(`${name}/1\\.0\\.0\\.yaml:\\d+:\\d+`));
  });
});
