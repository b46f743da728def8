import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../../lib/errors.ts';
import { type Running, removeRunning, runningServices, stateDir, writeRunning } from './running.ts';
import { serviceNames } from './service.ts';
import { openServices, type Services } from './services.ts';

const usage = `Usage: npm run services -- up|down|status [--json]

  up      starts Kafka, PostgreSQL and S3 in the background and prints their addresses
          --foreground  starts others in the foreground; Ctrl-C ends them
          --dir DIR     keeps their data in DIR for the next time
  down    ends them
  status  says what is up; exit code 1 when nothing is
`;

/** Exit codes as everywhere: 0 done, 1 the answer is no, 2 wrong usage, 3 a service could not be reached. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      foreground: { type: 'boolean', default: false },
      dir: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const [verb] = positionals;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (verb === 'up' && values.foreground) return await hold(values.dir, async (services) => show(services, values.json));
  if (verb === 'up') return await up(values.dir, values.json);
  // What `up` starts in the background.
  if (verb === 'hold') return await hold(values.dir, register);
  if (verb === 'down') return await down(values.json);
  if (verb === 'status') return await status(values.json);
  process.stderr.write(usage);
  return 2;
}

async function up(dir: string | undefined, json: boolean): Promise<number> {
  const before = await runningServices();
  if (before) return show(before, json);
  const logFile = path.join(stateDir(), 'launcher.log');
  await mkdir(stateDir(), { recursive: true });
  const log = await open(logFile, 'w');
  const script = process.argv[1] ?? '';
  const args = [script, 'hold', ...(dir === undefined ? [] : ['--dir', path.resolve(dir)])];
  const holder = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => holder.kill('SIGTERM'));
  const running = await startedBy(holder);
  if (running === null) {
    process.stderr.write(await readFile(logFile, 'utf8'));
    return 3;
  }
  holder.unref();
  return show(running, json);
}

async function startedBy(holder: ChildProcess): Promise<Running | null> {
  while (holder.exitCode === null && holder.signalCode === null) {
    const running = await runningServices();
    if (running) return running;
    await sleep(100);
  }
  return null;
}

/** Holds the services until a signal comes. Should this process be killed outright, the reapers end the servers. */
async function hold(dir: string | undefined, ready: (services: Services) => Promise<unknown>): Promise<number> {
  const asked = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  const opening = openServices({ dir, reuse: false });
  const services = await Promise.race([opening, asked.then(() => null)]);
  if (services) {
    await ready(services);
    await asked;
  }
  await (await opening).close();
  return 0;
}

/** Says to the clone that these services are up; from then until the end of this process they serve whoever asks. */
async function register({ kafka, postgres, s3, took }: Services): Promise<void> {
  if (await runningServices()) throw new Error('Another call of "up" was faster.');
  await writeRunning({ pid: process.pid, startedAt: new Date().toISOString(), kafka, postgres, s3, took });
}

async function down(json: boolean): Promise<number> {
  const running = await runningServices();
  if (running) {
    process.kill(running.pid, 'SIGTERM');
    while (isAlive(running.pid)) await sleep(50);
    await removeRunning();
  }
  process.stdout.write(json ? `${JSON.stringify({ up: false })}\n` : running ? 'The services are down.\n' : 'No services were up.\n');
  return 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function status(json: boolean): Promise<number> {
  const running = await runningServices();
  if (running) return show(running, json);
  process.stdout.write(json ? `${JSON.stringify({ up: false })}\n` : 'No services are up. Start them with "npm run services -- up".\n');
  return 1;
}

function show(services: Omit<Services, 'close' | 'areOurs'>, json: boolean): number {
  const { kafka, postgres, s3, took } = services;
  if (json) {
    process.stdout.write(`${JSON.stringify({ up: true, kafka, postgres, s3, took })}\n`);
    return 0;
  }
  const env = {
    DQ_KAFKA_BROKERS: kafka.brokers,
    DQ_POSTGRES_URL: postgres.url,
    DQ_STORAGE_ENDPOINT: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_REGION: s3.region,
  };
  const lines = [
    ...serviceNames.map((name) => `# ${name}: ${took[name]}`),
    ...Object.entries(env).map(([key, value]) => `export ${key}='${value}'`),
  ];
  // In one piece, so that a reader who has seen enough may close the pipe.
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof TypeError && 'code' in error ? 2 : 3;
}
