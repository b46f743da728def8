import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../src/lib/package-root.ts';
import { compileSchema } from '../src/registry/compiler.ts';
import { parseSchemaFile } from '../src/registry/schema-file.ts';

/** What a reader of the pull request sees change when the compiler changes. `vitest run codegen -u` takes over the new output. */
test('the generated validator and native program of user_event 1.0.0 are the committed ones', async () => {
  const file = join(packageRoot, 'schemas/user_event/1.0.0.yaml');
  const { schema } = parseSchemaFile(await readFile(file, 'utf8'), file);
  const compilation = compileSchema(schema);
  if ('problem' in compilation) throw new Error(compilation.problem.message);
  await expect(compilation.module).toMatchFileSnapshot('golden/user_event@1.0.0.mjs');
  const program = 'program' in compilation.native ? compilation.native.program : compilation.native.declined;
  await expect(`${program}\n`).toMatchFileSnapshot('golden/user_event@1.0.0.native.json');
});
