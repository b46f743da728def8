import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCode } from '../lib/errors.ts';
import { compileInMemory, compileSchema, lintSchema, moduleEnd, type SchemaProblem, schemaDigest } from './compiler.ts';
import { loadValidator, type ValidateFunction } from './validator-runtime.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-compiler-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;

/** A validator that went through a file, as in the service. */
async function generatedValidator(schema: unknown): Promise<ValidateFunction> {
  files += 1;
  const path = join(folder, `${files}.mjs`);
  await writeFile(path, moduleOf(schema));
  return loadValidator(pathToFileURL(path).href);
}

function moduleOf(schema: unknown): string {
  const compilation = compileSchema(schema);
  if ('problem' in compilation) throw new Error(compilation.problem.message);
  return compilation.module;
}

function problemOf(schema: unknown): SchemaProblem {
  const compilation = compileSchema(schema);
  if (!('problem' in compilation)) throw new Error('the schema compiles');
  return compilation.problem;
}

const draft2019 = 'https://json-schema.org/draft/2019-09/schema';
const draft2020 = 'https://json-schema.org/draft/2020-12/schema';

describe('a generated validator says what the standard says', () => {
  test.each<[string, unknown, unknown, boolean]>([
    ['only own members are there', { required: ['toString'] }, {}, false],
    ['only own members are judged', { properties: { constructor: { type: 'string' } } }, {}, true],
    ['a format is asserted', { format: 'date-time' }, '2026-02-30T00:00:00Z', false],
    ['a format is asserted in 2020-12 too', { $schema: draft2020, format: 'ipv4' }, '1.2.3', false],
    ['an unknown format is an annotation', { format: 'colour' }, 'x', true],
    ['an unknown keyword is an annotation', { colour: 'red', formatMinimum: 'x' }, 'x', true],
    ['nullable is an annotation', { type: 'string', nullable: true }, null, false],
    ['nullable without a type is an annotation', { nullable: true }, 1, true],
    ['a member may be called nullable', { properties: { nullable: { type: 'string' } } }, { nullable: 1 }, false],
    ['$async is an annotation', { $async: true, type: 'string' }, 1, false],
    ['$data is not followed', { const: { $data: '1/a' } }, { $data: '1/a' }, true],
    ['a draft-07 $ref hides what stands beside it', { $ref: '#/definitions/a', maxLength: 1, definitions: { a: true } }, 'long', true],
    ['a 2020-12 $ref does not', { $schema: draft2020, $ref: '#/$defs/a', maxLength: 1, $defs: { a: true } }, 'long', false],
    ['2019-09 has dependentRequired', { $schema: draft2019, dependentRequired: { a: ['b'] } }, { a: 1 }, false],
    ['draft-07 has not', { dependentRequired: { a: ['b'] } }, { a: 1 }, true],
    ['2020-12 has prefixItems', { $schema: draft2020, prefixItems: [{ type: 'string' }] }, [1], false],
    ['draft-07 has not', { prefixItems: [{ type: 'string' }] }, [1], true],
    ['a length counts characters', { maxLength: 1 }, '😀', true],
    ['a pattern knows Unicode', { pattern: '^.$' }, '😀', true],
    ['an integer may be written 1.0', { type: 'integer' }, 1.0, true],
    ['items may be compared as a whole', { uniqueItems: true }, [{ a: [1] }, { a: [1] }], false],
    ['true takes all', true, null, true],
    ['false takes nothing', false, null, false],
    ['a schema may contain itself', { properties: { a: { $ref: '#' } }, additionalProperties: false }, { a: { a: { b: 1 } } }, false],
  ])('%s', async (_, schema, value, expected) => {
    expect((await generatedValidator(schema))(value)).toBe(expected);
    expect(compileInMemory(schema)(value)).toBe(expected);
  });
});

describe('the text of a module', () => {
  const schema = { properties: { a: { type: 'string', minLength: 2, format: 'email' }, b: { enum: [{ x: 1 }] }, c: { format: 'date' } } };

  test('is the same for the same schema', () => {
    expect(moduleOf(schema)).toBe(moduleOf(structuredClone(schema)));
  });

  test('imports nothing, evaluates nothing, and ends with its digest', () => {
    const text = moduleOf(schema);
    expect(text).not.toMatch(/\bimport\b|\beval\b|new Function/);
    expect(text.endsWith(`${moduleEnd(schemaDigest(schema))}\n`)).toBe(true);
  });

  test('is not shared by schemas that differ in the order of members alone', () => {
    expect(schemaDigest({ a: 1, b: 2 })).not.toBe(schemaDigest({ b: 2, a: 1 }));
  });
});

describe('a schema that cannot be compiled is refused with its place', () => {
  test.each<[unknown, string | null, string]>([
    [{ properties: { a: { type: 'strnig' } } }, '/properties/a/type', 'string'],
    [{ $schema: draft2020, properties: { a: { minimum: '1' } } }, '/properties/a/minimum', 'number'],
    [{ properties: { 'a/b': { pattern: '(' } } }, '/properties/a~1b/pattern', 'Invalid regular expression'],
    [{ patternProperties: { '[': { type: 'string' } } }, '/patternProperties', 'Invalid regular expression'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema', 'draft-07, 2019-09 or 2020-12'],
    [{ $schema: 7 }, '/$schema', 'draft'],
    [{ items: { $ref: '#/definitions/none' } }, '/items/$ref', '#/definitions/none'],
    [{ items: { $ref: 'https://example.com/x.json' } }, '/items/$ref', 'never the network'],
    [5, null, 'object or a boolean'],
    [null, null, 'object or a boolean'],
    [[], null, 'object or a boolean'],
    [undefined, null, 'object or a boolean'],
  ])('%j', (schema, pointer, words) => {
    const problem = problemOf(schema);
    expect(problem.pointer).toBe(pointer);
    expect(problem.message).toContain(words);
    expect(() => compileInMemory(schema)).toThrow(expect.objectContaining({ code: 'DQ_SCHEMA_INVALID' }));
  });

  test('a schema that contains itself as an object', () => {
    const schema: Record<string, unknown> = {};
    schema['not'] = schema;
    expect(problemOf(schema).message).not.toBe('');
  });
});

test('a lint finds slips that compile', () => {
  expect(lintSchema({ type: 'object', properties: { a: { type: 'string', minimun: 1 } } }).join()).toContain('minimun');
  expect(lintSchema({ type: 'object', properties: { a: { type: 'string', minLength: 1 } }, required: ['a'] })).toEqual([]);
});

test('a module that does not load is an error that names it', async () => {
  const path = join(folder, 'broken.mjs');
  await writeFile(path, 'export const link = (require) => require("node:fs");');
  const error = await loadValidator(pathToFileURL(path).href).catch((caught: unknown) => caught);
  expect(hasCode(error, 'DQ_SCHEMA_INVALID') && error.message).toContain('node:fs');
});

test('a reference beside "$id" leads where the standard says, since 2019-09', () => {
  const validate = compileInMemory({
    $schema: draft2020,
    $id: 'http://example.com/outer',
    $ref: 'inner',
    allOf: [{ type: 'object' }],
    $defs: { inner: { $id: 'inner', $defs: { member: { required: ['a'] } }, $ref: '#/$defs/member' } },
  });
  expect([{ a: 1 }, {}, 1].map((value) => validate(value))).toEqual([true, false, false]);
});

test('a schema that ajv reads in its own way is warned of, with the place', () => {
  const contains = { contains: true };
  const warnings = lintSchema({ $schema: draft2020, properties: { a: { unevaluatedItems: false, allOf: [contains] } } });
  expect(warnings).toContainEqual(expect.stringContaining('at /properties/a: "unevaluatedItems" does not see'));
  for (const asking of [{ required: ['a', ''] }, { dependencies: { a: [''] } }])
    expect(lintSchema(asking)).toContainEqual(expect.stringContaining('a member with an empty name is never asked for'));
  expect(lintSchema({ type: 'object', properties: { a: { type: 'string' } } })).toEqual([]);
});
