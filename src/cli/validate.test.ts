import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Io } from './io.ts';
import { registerSchemas } from './schemas.ts';
import { linesOf, registerValidate } from './validate.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-validate-'));
  await writeFile(join(folder, 'bare.json'), '{"type":"object","required":["id"]}');
  await writeFile(join(folder, 'bare.yaml'), 'type: object\nrequired: [id]\n');
  await writeFile(join(folder, 'file.yaml'), 'name: thing\nversion: 1.0.0\nschema: { type: object, required: [id] }\n');
  await writeFile(join(folder, 'file.json'), '{"name":"thing","version":"1.0.0","schema":{"type":"object","required":["id"]}}');
  await writeFile(join(folder, 'bad.json'), '{"type":"nonsense"}');
  await writeFile(join(folder, 'unusual.json'), '{"format":"regex"}');
  await writeFile(join(folder, 'broken.yaml'), 'type: [');
});
afterAll(() => rm(folder, { recursive: true }));

interface Ran {
  readonly exitCode: number;
  readonly text: string;
  readonly verdicts: readonly Record<string, unknown>[];
}

async function run(words: readonly string[], input: string | Buffer | readonly Buffer[] = ''): Promise<Ran> {
  let text = '';
  const stdout = new Writable({
    write: (chunk, _, done) => {
      text += chunk;
      done();
    },
  });
  const io: Io = {
    stdin: Readable.from(Array.isArray(input) ? input : [Buffer.from(input as string)]),
    stdout,
    stderr: stdout,
    env: {},
    exitCode: 0,
    stopSignal: () => new AbortController().signal,
  };
  const program = new Command('dq').exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
  registerValidate(program, io);
  registerSchemas(program, io);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
  await program.parseAsync(words, { from: 'user' });
  return {
    exitCode: io.exitCode,
    text,
    verdicts:
      words[0] === 'validate'
        ? text
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        : [],
  };
}

const schema = (name: string): string => join(folder, name);

describe('dq validate', () => {
  test.each(['bare.json', 'bare.yaml', 'file.yaml', 'file.json'])('takes a schema from %s', async (name) => {
    const { exitCode, verdicts } = await run(['validate', '-', '--schema', schema(name)], '{"id":1}\n{}\n');
    expect(exitCode).toBe(1);
    expect(verdicts.map(({ line, outcome, field_path }) => [line, outcome, field_path])).toEqual([
      [1, 'valid', null],
      [2, 'invalid', 'id'],
    ]);
    expect(Object.keys(verdicts[0] ?? {})).toEqual([
      'line',
      'outcome',
      'error_type',
      'error_message',
      'field_path',
      'instance_path',
      'engine',
    ]);
  });

  test('tells all that is wrong with --errors', async () => {
    const { verdicts } = await run(['validate', '-', '--schema', schema('bare.json'), '--errors'], '{"id":1}\n{}\n');
    expect(verdicts.map(({ errors }) => errors)).toEqual([
      [],
      [
        {
          error_type: 'schema_violation',
          error_message: 'expected the member "id" to be present',
          field_path: 'id',
          instance_path: '/id',
          keyword: 'required',
        },
      ],
    ]);
  });

  test('ends with 0 when all lines are valid, or there are none', async () => {
    expect((await run(['validate', '-', '--schema', schema('bare.json'), '--json'], '{"id":1}')).exitCode).toBe(0);
    expect(await run(['validate', '-', '--schema', schema('bare.json')], '')).toMatchObject({ exitCode: 0, verdicts: [] });
  });

  test('judges an empty line and a line that is no UTF-8 as documents', async () => {
    const input = Buffer.from('{"id":1}\r\n\n{"id":"\xff"}\n', 'latin1');
    const { verdicts } = await run(['validate', '-', '--schema', schema('bare.json'), '--engine', 'js'], input);
    expect(verdicts.map(({ error_type }) => error_type)).toEqual([null, 'malformed_json', 'invalid_utf8']);
  });

  test('reads a file, and judges a line that is too long without holding it', async () => {
    const file = join(folder, 'long.ndjson');
    await writeFile(file, Buffer.concat([Buffer.from('{"id":"'), Buffer.alloc(11 * 2 ** 20, 'x'), Buffer.from('"}\n{"id":1}\n')]));
    const { verdicts } = await run(['validate', file, '--schema', schema('bare.json')]);
    expect(verdicts.map(({ line, error_type }) => [line, error_type])).toEqual([
      [1, 'too_large'],
      [2, null],
    ]);
  });

  test.each([
    [['none.ndjson', '--schema', 'bare.json'], 'DQ_CONFIG_INVALID', 'none.ndjson cannot be read'],
    [['.', '--schema', 'bare.json'], 'DQ_CONFIG_INVALID', 'cannot be read'],
    [['-', '--schema', 'none.json'], 'DQ_SCHEMA_FILE_INVALID', 'none.json cannot be read'],
    [['-', '--schema', 'broken.yaml'], 'DQ_SCHEMA_FILE_INVALID', 'broken.yaml:1:'],
    [['-', '--schema', 'bad.json'], 'DQ_SCHEMA_INVALID', 'bad.json: at /type'],
    [['-', '--schema', 'unusual.json', '--engine', 'native'], 'DQ_SCHEMA_NOT_NATIVE', 'native'],
    [['-', '--schema', 'bare.json', '--engine', 'fast'], 'commander.invalidArgument', 'fast'],
    [['-'], 'commander.missingMandatoryOptionValue', '--schema'],
  ])('refuses %j with %s', async (words, code, message) => {
    const placed = words.map((word) => (/^\.$|\.(json|yaml|ndjson)$/.test(word) ? join(folder, word) : word));
    await expect(run(['validate', ...placed])).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('finds the same lines however the stream is cut', async () => {
    const whole = Buffer.from('one\n\ntwo three\nfour');
    for (let size = 1; size <= whole.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) => whole.subarray(n * size, (n + 1) * size));
      const lines: string[] = [];
      for await (const line of linesOf(Readable.from(chunks), 5)) lines.push(line.toString());
      expect(lines).toEqual(['one', '', 'two t', 'four']);
    }
  });
});

describe('dq schemas', () => {
  const place = async (path: string, text: string): Promise<void> => {
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  };

  test('check says which schemas are bad, which examples are wrong, and what is doubtful', async () => {
    await place('schemas/good/1.0.0.yaml', 'name: good\nversion: 1.0.0\nschema: { type: object, required: [id], minimun: 1 }\n');
    await place('schemas/good/examples/good/right.json', '{"id":1}');
    await place('schemas/good/examples/good/wrong.json', '{}');
    await place('schemas/good/examples/bad/wrong.json', '{"id":1}');
    await place('schemas/bad/1.0.0.yaml', 'name: bad\nversion: 1.0.0\nschema: { type: nonsense }\n');
    const { exitCode, text } = await run(['schemas', 'check', join(folder, 'schemas'), '--json']);
    const { ok, schemas } = JSON.parse(text);
    expect([exitCode, ok]).toEqual([1, false]);
    expect(schemas).toMatchObject([
      { name: 'bad', problems: [expect.stringContaining('1.0.0.yaml:3:17 at /type: ')] },
      {
        name: 'good',
        examples: 3,
        problems: [
          expect.stringContaining('wrong.json: schema_violation at id'),
          expect.stringContaining('expected a document that is refused'),
        ],
        warnings: [expect.stringContaining('minimun')],
      },
    ]);
  });

  test('judges by the remediation of a schema file', async () => {
    const mending = 'schema: { properties: { id: { type: integer } } }\nremediation:\n  enabled: true\n';
    const rule = '  rules:\n    - { name: id, do: cast, field: /id, to: integer }\n';
    await place('mending.yaml', `name: a\nversion: 1.0.0\n${mending}${rule}`);
    const { exitCode, verdicts } = await run(['validate', '-', '--schema', schema('mending.yaml')], '{"id":"7"}\n{"id":7}\n');
    expect(exitCode).toBe(0);
    expect(verdicts.map(({ outcome, remediated }) => [outcome, remediated])).toEqual([
      ['valid', true],
      ['valid', undefined],
    ]);
  });

  test('dq schemas test tells what became of each example, and which rules mended it', async () => {
    const remediation = 'remediation:\n  rules:\n    - { name: id, do: cast, field: /id, to: integer }\n';
    const idSchema = 'schema: { type: object, required: [id], properties: { id: { type: integer } } }\n';
    await place('examples/thing/1.0.0.yaml', `name: thing\nversion: 1.0.0\n${idSchema}${remediation}`);
    await place('examples/thing/examples/good/right.json', '{"id":1}');
    await place('examples/thing/examples/bad/right.json', '{}');
    await place('examples/thing/examples/remediable/right.json', '{"id":"1"}');
    const fine = await run(['schemas', 'test', join(folder, 'examples'), '--json']);
    expect(fine.exitCode).toBe(0);
    expect(JSON.parse(fine.text)).toMatchObject({
      ok: true,
      examples: [
        { expected: 'good', ok: true, error_type: null, remediated: null },
        { expected: 'bad', ok: true, keyword: 'required', remediated: null },
        { expected: 'remediable', ok: true, keyword: 'type', remediated: ['id@1'] },
      ],
    });
    await place('examples/thing/examples/remediable/wrong.json', '{"id":"x"}');
    const failed = await run(['schemas', 'test', join(folder, 'examples')]);
    expect(failed.exitCode).toBe(1);
    expect(failed.text).toContain('1 of 4 examples failed');
  });

  test('check passes the schemas of this repository', async () => {
    const { packageRoot } = await import('../lib/package-root.ts');
    const { exitCode, text } = await run(['schemas', 'check', join(packageRoot, 'schemas')]);
    expect(text).toContain('user_event');
    expect(text).not.toContain('warning');
    expect(exitCode).toBe(0);
  });

  test('compile writes validators and their registry', async () => {
    await place('fine/thing/1.0.0.yaml', 'name: thing\nversion: 1.0.0\nschema: { type: object }\n');
    const { text } = await run(['schemas', 'compile', join(folder, 'fine'), '--out', join(folder, 'out'), '--json']);
    expect(JSON.parse(text).validators).toMatchObject([{ name: 'thing', module: './validators/thing@1.0.0.mjs' }]);
    await expect(run(['schemas', 'compile', join(folder, 'none'), '--out', join(folder, 'out')])).rejects.toMatchObject({
      code: 'DQ_SCHEMA_FILE_INVALID',
    });
  });
});
