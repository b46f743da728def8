import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../src/lib/errors.ts';
import { packageRoot } from '../src/lib/package-root.ts';

/** The C programs of the bench, by the paths of what was made of them. */
export interface NativePrograms {
  readonly passThrough: string;
  readonly latencyProbe: string;
}

const run = promisify(execFile);

/**
 * Compiles the yardsticks into `dir`, against the very librdkafka that the official client loads: a limit that another build of it
 * had reached would say nothing. Takes a second.
 */
export async function buildNativePrograms(dir: string): Promise<NativePrograms> {
  const client = dirname(createRequire(import.meta.url).resolve('@confluentinc/kafka-javascript/package.json'));
  const library = join(client, 'build', 'deps');
  if (!existsSync(join(library, 'librdkafka.so.1')))
    throw new Error('The bench needs the librdkafka.so.1 of the official client, which only its own build has. Run `npm run setup`.');
  const build = async (name: string): Promise<string> => {
    const program = join(dir, name);
    const source = join(packageRoot, 'bench', 'native', `${name}.c`);
    const warnings = ['-Wall', '-Wextra', '-Werror'];
    const headers = ['-isystem', join(library, 'include')];
    const libraries = ['-L', library, `-Wl,-rpath,${library}`, '-l:librdkafka.so.1', '-lpthread'];
    await run('cc', ['-std=gnu11', '-O2', ...warnings, ...headers, '-o', program, source, ...libraries]);
    return program;
  };
  try {
    const [passThrough, latencyProbe] = await Promise.all([build('pass-through'), build('latency-probe')]);
    return { passThrough, latencyProbe };
  } catch (error) {
    throw new Error(`The bench's C programs could not be compiled; \`cc\` must be a C compiler. ${messageOf(error)}`, { cause: error });
  }
}
