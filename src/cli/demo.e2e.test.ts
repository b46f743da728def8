import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../lib/package-root.ts';
import { brokers } from '../testing/broker.ts';
import { s3Address } from '../testing/bucket.ts';
import { freshDatabase } from '../testing/database.ts';

/** Runs the demo on the servers of this test run; `interruptAt` is what it must have written before it gets Ctrl-C. */
async function demo(words: readonly string[], interruptAt: RegExp | null = null) {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3Address();
  const child = spawn(process.execPath, [join(packageRoot, 'bin/dq.cjs'), 'demo', ...words], {
    env: {
      PATH: process.env['PATH'],
      DQ_KAFKA_BROKERS: brokers(),
      DQ_POSTGRES_URL: await freshDatabase(),
      DQ_STORAGE_ENDPOINT: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let interrupted = false;
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
    if (interruptAt?.test(output) && !interrupted) {
      interrupted = true;
      child.kill('SIGINT');
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

test('run once, the demo settles every message and says so in one JSON object on its last line', async () => {
  const { code, output, errors } = await demo(['--once', '--messages', '5000', '--json']);
  expect([code, errors.includes('Error')]).toEqual([0, false]);
  const result = JSON.parse(output.trim().split('\n').at(-1) as string) as Record<string, number>;
  expect(Object.keys(result)).toEqual([
    'consumed',
    'valid',
    'quarantined',
    'remediated',
    'tombstones',
    'duplicates',
    'unaccounted',
    'seconds',
    'messages_per_second',
    'lane',
    'engine',
  ]);
  expect(result).toMatchObject({ consumed: 5_000, remediated: 0, duplicates: 0, unaccounted: 0, lane: 'native', engine: 'native' });
  expect((result['valid'] as number) + (result['quarantined'] as number) + (result['tombstones'] as number)).toBe(5_000);
});

test('run live, it shows progress and where to look, and ends cleanly on Ctrl-C with nothing unaccounted for', async () => {
  const { code, output } = await demo(['--rate', '500'], /consumed +[1-9][\s\S]*consumed +[1-9]/);
  expect(output).toMatch(/^ {2}review {4}http:\/\/127\.0\.0\.1:\d+\/ /m);
  expect(output).toMatch(/\/metrics$/m);
  expect(output).toMatch(/ 0 duplicates, 0 unaccounted$/m);
  expect(code).toBe(0);
});
