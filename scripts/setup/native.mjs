import { existsSync } from 'node:fs';
import path from 'node:path';
import { onPath } from './debian.mjs';
import { run } from './run.mjs';
import { filesOf, fingerprint, Stamp } from './stamp.mjs';

const builtFrom = new Stamp('src/native/build/.built-from');

/** Node's version does not count: the addons keep to Node-API, which is the same in all of them. */
function sources() {
  const code = filesOf('src/native').filter((file) => /\.(cc|h|gyp)$/.test(file) && !/\/(build|fuzz)\//.test(file));
  return fingerprint([...code, 'package-lock.json']);
}

/**
 * The native parts, by node-gyp. A machine without a compiler runs without them, slower; the service says so when it starts, and
 * the tests of the native parts fail.
 */
export const native = {
  name: 'native lane and judge',
  isDone: async () => builtFrom.says(sources()) || !onPath('g++') || !onPath('make'),
  run: async () => {
    const from = sources();
    const prefix = path.resolve(path.dirname(process.execPath), '..');
    const headersAreHere = existsSync(path.join(prefix, 'include', 'node', 'node.h'));
    const gyp = ['node_modules/node-gyp/bin/node-gyp.js', 'rebuild', '--directory', 'src/native', '--jobs', 'max'];
    await run('native', [process.execPath, ...gyp, ...(headersAreHere ? ['--nodedir', prefix] : [])], {
      remedy: 'a C++17 compiler, make and Python 3',
    });
    builtFrom.write(from);
  },
};
