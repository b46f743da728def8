import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dq } from '../testing/command-line.ts';

/** A folder that goes with the test. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'dq-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** A port of this machine where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('usage', () => {
  const commands = [
    'run',
    'demo',
    'validate',
    'schemas compile',
    'schemas check',
    'schemas diff',
    'verify',
    'audit verify',
    'quarantine ls',
    'quarantine show',
    'quarantine export',
    'replay plan',
    'replay start',
    'replay status',
    'replay pause',
    'replay cancel',
    'erase',
    'flood ls',
    'flood lift',
    'migrate',
    'topics create',
    'doctor',
    'config print',
  ];

  test.each(commands)('%s explains itself and knows --json', async (command) => {
    const { exitCode, stdout, stderr } = await dq(`${command} --help`);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`dq ${command}`);
    expect(stdout).toContain('--json');
  });

  test('a default is told as one would write it', async () => {
    expect((await dq('flood lift --help')).stdout).toMatch(/\(default: 1h\)/);
  });

  test('the version is the one of the package', async () => {
    const { exitCode, stdout } = await dq('--version');
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test.each([
    'frobnicate',
    'frobnicate --help',
    'run --nonsense',
    'run --only reviews',
    'run extra',
    'topics create --partitions none',
    'config print --config',
  ])('dq %s is wrong usage', async (words) => {
    const { exitCode, stdout, stderr } = await dq(words);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
  });

  test('a misspelled command leads to the right one', async () => {
    expect((await dq('doctr')).stderr).toContain('Did you mean doctor?');
  });
});

describe('run', () => {
  test('without brokers and database it says how to set them', async () => {
    const { exitCode, stderr } = await dq('run');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('kafka.brokers is required: set DQ_KAFKA_BROKERS');
    expect(stderr).toContain('postgres.url is required: set DQ_POSTGRES_URL');
    expect((await dq('run --only review')).stderr).toContain('postgres.url is required');
  });

  test('it does not open itself to others without authentication', async () => {
    const env = { DQ_KAFKA_BROKERS: 'localhost', DQ_POSTGRES_URL: 'postgres://localhost/x', DQ_HTTP_HOST: '0.0.0.0' };
    const { exitCode, stderr } = await dq('run', { env });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Set DQ_AUTH_MODE=token')]);
  });
});

describe('services that are away', () => {
  test('migrate ends with 3 and does not show the password', async () => {
    const { exitCode, stderr } = await dq('migrate', {
      env: { DQ_POSTGRES_URL: `postgres://ann:s3cret@127.0.0.1:${await closedPort()}/dq` },
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('DQ_POSTGRES_UNREACHABLE');
    expect(stderr).not.toContain('s3cret');
  });

  test('topics create ends with 3', async () => {
    const { exitCode, stderr } = await dq('topics create', { env: { DQ_KAFKA_BROKERS: `127.0.0.1:${await closedPort()}` } });
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('DQ_KAFKA_UNREACHABLE')]);
  });

  test('the doctor names each of them, looks at the rest, and ends with 3', async () => {
    const port = await closedPort();
    const env = {
      DQ_KAFKA_BROKERS: `127.0.0.1:${port}`,
      DQ_POSTGRES_URL: `postgres://ann:s3cret@127.0.0.1:${port}/dq`,
      DQ_STORAGE_URL: `file://${folder()}`,
    };
    const { exitCode, stdout } = await dq('doctor --json', { env });
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; state: string }[] };
    const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
    expect([exitCode, ok]).toEqual([3, false]);
    expect(states).toMatchObject({ broker: 'unreachable', database: 'unreachable', storage: 'ok', schemas: 'ok', access: 'ok' });
    expect(stdout).not.toContain('s3cret');
  });

  test('the doctor ends with 1 where only settings are missing', async () => {
    const { exitCode, stdout } = await dq('doctor', { env: { DQ_STORAGE_URL: `file://${folder()}` } });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Set DQ_KAFKA_BROKERS.');
    expect(stdout).toMatch(/\n\d+ ok, \d+ with a warning, 2 failed, 0 unreachable\n$/);
  });
});

describe('config print', () => {
  test('shows every setting with its origin and no secret', async () => {
    const file = join(folder(), 'dq.yaml');
    writeFileSync(file, 'http:\n  port: 9000\npostgres:\n  url: postgres://ann:s3cret@db/dq\n');
    const { exitCode, stdout } = await dq(`config print --json --config ${file} --set kafka.client.sasl.password=s3cret`, {
      env: { DQ_LOG_LEVEL: 'warn' },
    });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('s3cret');
    expect(JSON.parse(stdout)).toMatchObject({
      'http.port': { value: 9000, origin: `${file}:2:3` },
      'postgres.url': { value: 'postgres://********@db/dq', origin: `${file}:4:3` },
      'log.level': { value: 'warn', origin: 'DQ_LOG_LEVEL' },
      'kafka.client.sasl.password': { value: '********', origin: '--set kafka.client.sasl.password' },
      'kafka.lane': { value: 'auto', origin: 'default' },
    });
  });

  test('is coloured on a terminal alone, and not there if NO_COLOR is set', async () => {
    expect((await dq('config print')).stdout).not.toContain('\u001b');
    expect((await dq('config print', { isTTY: true })).stdout).toContain('\u001b[2mdefault');
    expect((await dq('config print', { env: { NO_COLOR: '1' }, isTTY: true })).stdout).not.toContain('\u001b');
  });

  test('a broken file is wrong configuration and a misspelled variable a warning', async () => {
    const broken = await dq('config print --set http.port=x');
    expect([broken.exitCode, broken.stderr]).toEqual([2, expect.stringContaining('--set http.port: http.port must be a whole number')]);
    const misspelled = await dq('config print', { env: { DQ_LOG_LEVELS: 'info' } });
    expect([misspelled.exitCode, misspelled.stderr]).toEqual([
      0,
      'warning: the environment variable DQ_LOG_LEVELS is not known; did you mean DQ_LOG_LEVEL?\n',
    ]);
  });

  test('a --set without its equals sign is not quoted', async () => {
    const { exitCode, stderr } = await dq('config print --set s3cret');
    expect([exitCode, stderr]).toEqual([2, expect.not.stringContaining('s3cret')]);
  });
});
