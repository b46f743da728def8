import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readDockerfile } from './dockerfile.mjs';
import { nodeOf, root, run } from './tools.mjs';

/*
 * What `docker build` would do, without Docker: the steps of the Dockerfile in their order, each stage in a clean folder, on the
 * Node that the image is based on. System packages are not installed but looked up: their steps are simulated where apt is.
 */

/** Where the image keeps things, and where they are here. */
function placesOf({ folder, node }) {
  return [
    ['/var/lib/dataquarantine', join(folder, 'state')],
    ['/var/cache/npm', join(root, '.cache', 'packaging', 'npm')],
    ['/usr/local', dirname(node)],
    ['/app', folder],
  ];
}

/** Builds the image's last stage in a clean folder and uses it. Gives one line of what was found. */
export async function runImageSteps({ keep }) {
  const dockerfile = readDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
  const base = mkdtempSync(join(tmpdir(), 'dataquarantine-image-'));
  try {
    const stages = {};
    for (const { name, from, steps } of dockerfile) {
      const folder = join(base, name);
      mkdirSync(folder);
      const stage = { folder, node: await nodeOf(/^node:(\d+)-/.exec(from)[1]), env: {}, packages: [], settings: {} };
      for (const step of steps) await take(step, stage, stages);
      stages[name] = stage;
    }
    const image = stages[dockerfile.at(-1).name];
    linksOnlyWhatIsInstalled(image);
    return `${await answers(image)}, ${megabytes(image.folder)} MB in ${image.folder}`;
  } finally {
    if (!keep) rmSync(base, { recursive: true, force: true });
  }
}

async function take({ instruction, words, rest }, stage, stages) {
  if (instruction === 'ENV') Object.assign(stage.env, assignmentsOf(rest, stage));
  else if (instruction === 'COPY') copy(words, stage, stages);
  else if (instruction === 'RUN' && rest.includes('apt-get')) lookUp(rest, stage);
  else if (instruction === 'RUN')
    await run(['bash', '-eo', 'pipefail', '-c', here(rest.replace(/--mount=\S+\s+/, ''), stage)], shellOf(stage));
  else stage.settings[instruction] = rest;
}

function here(text, stage) {
  const owned = text.replaceAll(/ -[og] node\b/g, '');
  return placesOf(stage).reduce((result, [there, place]) => result.replaceAll(there, place), owned);
}

function assignmentsOf(rest, stage) {
  return Object.fromEntries(
    [...rest.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, name, value]) => [name, here(value.replaceAll('"', ''), stage)]),
  );
}

function shellOf({ folder, node, env }) {
  // Nothing of the outer project leaks in: npm hands its settings to what it starts.
  const outer = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|DQ_|NODE_ENV$)/.test(name)));
  return { cwd: folder, env: { ...outer, ...env, PATH: `${node}:${process.env.PATH}` } };
}

function copy(words, stage, stages) {
  const [from] = words.filter((word) => word.startsWith('--from='));
  const places = words.filter((word) => !word.startsWith('--'));
  const target = join(stage.folder, places.pop());
  for (const place of places) {
    const source = from ? here(place, stages[from.slice('--from='.length)]) : join(root, place);
    if (place === '.') for (const path of contextOf()) cpSync(join(root, path), join(target, path));
    else if (places.length > 1 || target.endsWith('/'))
      cpSync(source, join(target, place.split('/').at(-1)), { recursive: true, verbatimSymlinks: true });
    else cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  }
}

/** The files that Docker would be sent: those of the working tree that .dockerignore lets through. */
function contextOf() {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  const patterns = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const ignored = patterns.map((pattern) => {
    const expression = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/^\*\*\//, '(?:.*/)?')
      .replaceAll(/(?<!\.)\*/g, '[^/]*');
    return new RegExp(`^${expression.replaceAll('(?:.[^/]*/)?', '(?:.*/)?')}(/|$)`);
  });
  return files.split('\0').filter((path) => path !== '' && existsSync(join(root, path)) && !ignored.some((pattern) => pattern.test(path)));
}

/** Are the packages of an apt step to be had? */
function lookUp(rest, stage) {
  const packages = /install ([^&]+)/
    .exec(rest)[1]
    .split(/\s+/)
    .filter((word) => /^[a-z0-9]/.test(word));
  stage.packages.push(...packages);
  const { status, stdout, stderr } = spawnSync('apt-get', ['install', '--simulate', '--no-install-recommends', ...packages], {
    encoding: 'utf8',
  });
  if (status !== 0 && status !== null) throw new Error(`apt-get would not install ${packages.join(' ')}\n${stdout}${stderr}`);
}

/** Every library that the Kafka client asks for comes with the base image, the client, or a package that the runtime stage installs. */
function linksOnlyWhatIsInstalled({ folder, packages, env }) {
  const build = join(folder, 'node_modules/@confluentinc/kafka-javascript/build');
  const needed = [
    join(build, 'deps/librdkafka.so.1'),
    join(build, 'deps/librdkafka++.so.1'),
    join(build, 'Release/confluent-kafka-javascript.node'),
  ].flatMap((file) =>
    [...execFileSync('readelf', ['-d', file], { encoding: 'utf8' }).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library]) => library),
  );
  const given = ['libc6', 'libgcc-s1', 'libstdc++6', ...packages];
  const preloaded = env.LD_PRELOAD ? [env.LD_PRELOAD] : [];
  const missing = [...new Set([...preloaded, ...needed])].filter((library) => {
    if (library.startsWith('librdkafka') || library.startsWith('ld-linux')) return false;
    const owners = spawnSync('dpkg', ['-S', library], { encoding: 'utf8' })
      .stdout.split('\n')
      .map((line) => line.split(':')[0]);
    return !owners.some((owner) => given.includes(owner));
  });
  if (missing.length > 0) throw new Error(`the runtime stage installs no package with ${missing.join(', ')}`);
}

/** The command line starts, judges a message with a validator of the build, and the health check tells up from down. */
async function answers(image) {
  const shell = shellOf(image);
  const entry = JSON.parse(image.settings.ENTRYPOINT)
    .filter((word) => word !== 'tini' && word !== '--')
    .map((word) => here(word, image));
  const version = (await run([...entry, '--version'], shell)).trim();
  await run(['node', '-e', "new (require('@confluentinc/kafka-javascript').Producer)({ 'metadata.broker.list': '127.0.0.1:1' })"], shell);
  const [schema] = readdirSync(join(image.folder, 'schemas'), { recursive: true }).filter((path) => path.endsWith('.yaml'));
  const message = join(image.folder, 'message.jsonl');
  const examples = join(image.folder, 'schemas', dirname(schema), 'examples', 'good');
  writeFileSync(message, `${JSON.stringify(JSON.parse(readFileSync(join(examples, readdirSync(examples)[0]), 'utf8')))}\n`);
  await run([...entry, 'validate', message, '--schema', join('schemas', schema)], shell);
  await checkHealth(JSON.parse(image.settings.HEALTHCHECK.slice(image.settings.HEALTHCHECK.indexOf('['))), shell);
  await endsWith(3, [...entry, 'run'], { ...shell, env: { ...shell.env, ...unreachable } });
  return `version ${version} on Node ${(await run(['node', '--version'], shell)).trim()}`;
}

/** The service gets as far as its first broker: all its modules load without the development packages. */
const unreachable = {
  DQ_KAFKA_BROKERS: '127.0.0.1:1',
  DQ_POSTGRES_URL: 'postgres://nobody:nothing@127.0.0.1:1/nowhere',
  DQ_STORAGE_URL: 'file:///tmp/dataquarantine-nowhere',
};

async function endsWith(code, command, shell) {
  const ending = await run(command, shell).then(
    () => 'ended with 0',
    (error) => error.message,
  );
  if (!ending.endsWith(`ended with ${code}`)) throw new Error(`${command.join(' ')} should have ended with ${code}\n${ending}`);
}

async function checkHealth(command, shell) {
  let status = 200;
  const server = createServer((request, response) => response.writeHead(request.url === '/healthz' ? status : 404).end());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = { ...shell.env, DQ_HTTP_PORT: String(server.address().port) };
  const isHealthy = () =>
    run(command, { ...shell, env }).then(
      () => true,
      () => false,
    );
  try {
    if (!(await isHealthy())) throw new Error('the health check refuses a service that is healthy');
    status = 503;
    if (await isHealthy()) throw new Error('the health check passes a service that is not healthy');
  } finally {
    server.close();
  }
  if (await isHealthy()) throw new Error('the health check passes where nothing answers');
}

function megabytes(folder) {
  return execFileSync('du', ['-sm', folder], { encoding: 'utf8' }).split('\t')[0];
}
