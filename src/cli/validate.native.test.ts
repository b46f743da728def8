import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../lib/package-root.ts';
import { dq } from '../testing/command-line.ts';
import { officialSuite } from '../testing/official-suite.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dq-validate-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What `dq validate` says of the documents, but for the engine's name. `declined` where the native engine does not take the schema. */
async function answers(schema: string, engine: 'native' | 'js', documents: readonly string[]): Promise<object | 'declined'> {
  const input = documents.map((document) => `${document}\n`).join('');
  const { exitCode, stdout, stderr } = await dq(`validate - --schema ${schema} --engine ${engine}`, { input });
  if (stderr.includes('DQ_SCHEMA_NOT_NATIVE')) return 'declined';
  const verdicts = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ ...(JSON.parse(line) as object), engine: null }));
  return { exitCode, stderr, verdicts };
}

async function filesIn(dir: string): Promise<string[]> {
  return (await readdir(dir, { recursive: true })).map((file) => join(dir, file));
}

describe('dq validate --engine native and --engine js say the same', () => {
  test('of every example, good, bad and remediable, by every version of its schema', async () => {
    const schemas = join(packageRoot, 'schemas');
    let judged = 0;
    for (const name of await readdir(schemas)) {
      const files = await filesIn(join(schemas, name));
      const examples = files.filter((file) => file.endsWith('.json'));
      const documents = await Promise.all(examples.map(async (file) => (await readFile(file, 'utf8')).replaceAll('\n', ' ')));
      for (const version of files.filter((file) => file.endsWith('.yaml'))) {
        const native = await answers(version, 'native', documents);
        expect(native).toEqual(await answers(version, 'js', documents));
        expect(native).toMatchObject({ verdicts: documents.map((_, index) => ({ line: index + 1 })) });
        judged += documents.length;
      }
    }
    expect(judged).toBeGreaterThan(30);
  });

  test.each(['draft7', 'draft2019-09', 'draft2020-12'] as const)('of the official suite: %s', async (draft) => {
    const schema = join(folder, `${draft}.json`);
    const differing: string[] = [];
    let compared = 0;
    for (const group of officialSuite(draft)) {
      await writeFile(schema, JSON.stringify(group.schema));
      const documents = group.tests.map(({ data }) => JSON.stringify(data));
      const native = await answers(schema, 'native', documents);
      if (native === 'declined') continue;
      compared += documents.length;
      if (JSON.stringify(native) !== JSON.stringify(await answers(schema, 'js', documents)))
        differing.push(`${group.file}: ${group.group}`);
    }
    expect(differing).toEqual([]);
    expect(compared).toBeGreaterThan(700);
  });
});
