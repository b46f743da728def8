import { rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './places.mjs';
import { run } from './run.mjs';
import { filesOf, fingerprint, Stamp } from './stamp.mjs';

const rooms = ['src', 'codegen', 'bench', 'load'];
const shared = ['tsconfig.json', 'package-lock.json'];

const builtFrom = new Stamp('dist/.built-from');
const builtFiles = new Stamp('dist/.built-files');

/** TypeScript to dist/. */
export const build = {
  name: 'build',
  isDone: async () => builtFrom.says(fingerprint([...sources(), ...shared])),
  run: async () => {
    // A source that was renamed or removed would leave its old output behind.
    if (!builtFiles.says(sources().join('\n'))) rmSync(path.join(root, 'dist'), { recursive: true, force: true });
    const from = fingerprint([...sources(), ...shared]);
    await run('build', [process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { remedy: 'mend the errors above' });
    builtFiles.write(sources().join('\n'));
    builtFrom.write(from);
  },
};

const page = 'src/review/ui/page';
const pageFrom = new Stamp('dist/ui/.built-from');
const pageSources = [page, 'scripts/vite.config.mjs', 'package-lock.json'];

/** The review page to dist/ui. */
export const pageBuild = {
  name: 'review page',
  isDone: async () => pageFrom.says(fingerprint(pageSources)),
  run: async () => {
    const from = fingerprint(pageSources);
    const vite = [process.execPath, 'node_modules/vite/bin/vite.js', 'build', '--config', 'scripts/vite.config.mjs'];
    await run('page', vite, { remedy: 'mend the errors above' });
    pageFrom.write(from);
  },
};

function sources() {
  return rooms
    .flatMap(filesOf)
    .filter((file) => file.endsWith('.ts') && !file.startsWith(`${page}/`))
    .sort();
}

const generatedFrom = new Stamp('generated/.generated-from');

/** schemas/ to validators in generated/. */
export const validators = {
  name: 'validators of the schemas',
  isDone: async () => generatedFrom.says(fingerprint(generatorSources)),
  run: async () => {
    await run('validators', [process.execPath, 'dist/codegen/main.js'], { remedy: 'mend the schema that is named above' });
    generatedFrom.write(fingerprint(generatorSources));
  },
};

const generatorSources = ['schemas', 'src/registry', 'codegen', 'package-lock.json'];
