import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openWire } from '../drivers/kafka-wire/wire.ts';
import { brokers, freshTopic } from '../testing/broker.ts';
import { s3Address } from '../testing/bucket.ts';
import { dq } from '../testing/command-line.ts';
import { freshDatabase, postgresUrl } from '../testing/database.ts';
import { createDatabase, dropDatabase, freshName, urlOfDatabase } from '../testing/template-database.ts';

/** An environment whose topics and bucket nobody has made yet. */
function environment(databaseUrl: string): Record<string, string> {
  const name = randomBytes(6).toString('hex');
  const { endpoint, accessKeyId, secretAccessKey, region } = s3Address();
  return {
    DQ_KAFKA_BROKERS: brokers(),
    DQ_KAFKA_GROUP_ID: `group-${name}`,
    DQ_KAFKA_SOURCE_TOPICS: `raw-${name}`,
    DQ_KAFKA_VALID_TOPIC: `valid-${name}`,
    DQ_KAFKA_DLQ_TOPIC: `dlq-${name}`,
    DQ_POSTGRES_URL: databaseUrl,
    DQ_STORAGE_URL: `s3://dq-${name}/prefix`,
    DQ_STORAGE_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
    UV_THREADPOOL_SIZE: '16',
  };
}

async function examined(
  env: Record<string, string>,
  words = '',
): Promise<{ exitCode: number; states: Record<string, string>; text: string }> {
  const { exitCode, stdout } = await dq(`doctor --json${words}`, { env });
  const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string }[] };
  return { exitCode, states: Object.fromEntries(checks.map(({ name, state }) => [name, state])), text: stdout };
}

test('topics create and migrate make what is missing, twice is as good as once, and the doctor is then content', async () => {
  const database = freshName('test');
  await createDatabase(postgresUrl(), database, 'template1');
  try {
    const env = environment(urlOfDatabase(postgresUrl(), database));
    const topics = [env['DQ_KAFKA_SOURCE_TOPICS'], env['DQ_KAFKA_VALID_TOPIC'], env['DQ_KAFKA_DLQ_TOPIC']] as string[];

    const before = await examined(env, ' --set postgres.migrate=false');
    expect(before.exitCode).toBe(1);
    expect(before.states).toMatchObject({
      broker: 'ok',
      [`topic ${topics[0]}`]: 'failed',
      database: 'ok',
      tables: 'failed',
      storage: 'failed',
    });

    const first = await dq('topics create --partitions 3 --json', { env });
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(first.stdout)).toEqual({ created: expect.arrayContaining(topics), existing: [], storage: env['DQ_STORAGE_URL'] });
    expect(JSON.parse((await dq('topics create --json', { env })).stdout)).toMatchObject({ created: [], existing: topics });

    expect(JSON.parse((await dq('migrate --json', { env })).stdout).applied.length).toBeGreaterThan(0);
    expect((await dq('migrate', { env })).stdout).toBe('the tables are up to date\n');

    const after = await examined(env);
    // How old Node is and whether this machine outlives a container are not what is tested here.
    const notOk = Object.entries(after.states).filter(([name, state]) => state !== 'ok' && name !== 'node' && name !== 'spool');
    expect(notOk).toEqual([]);
    expect(after.exitCode).toBe(0);
    expect(after.text).toContain('partitions: 3');
    expect(after.text).toContain('new: starts at the earliest message');
  } finally {
    await dropDatabase(postgresUrl(), database);
  }
});

test('new topics get as many partitions as the source has, and dead letters live for a month', async () => {
  const source = await freshTopic('raw', { partitions: 5 });
  const env: Record<string, string> = { ...environment(await freshDatabase()), DQ_KAFKA_SOURCE_TOPICS: source };
  const { exitCode, stdout } = await dq('topics create', { env });
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`topic ${source} was there\n`);
  const wire = await openWire({ brokers: brokers().split(','), client: {} });
  try {
    const [valid, dlq] = [env['DQ_KAFKA_VALID_TOPIC'], env['DQ_KAFKA_DLQ_TOPIC']] as [string, string];
    const { topics } = await wire.cluster([valid, dlq]);
    expect([topics.get(valid)?.partitions, topics.get(dlq)?.partitions]).toEqual([5, 5]);
    const settings = await wire.topicSettings([valid, dlq]);
    expect(settings.get(valid)?.messageBytesMax).toBeGreaterThan(10 * 2 ** 20);
    expect(settings.get(dlq)).toMatchObject({ retentionMs: 30 * 24 * 3_600_000, compacted: false, logAppendTime: false });
  } finally {
    await wire.close();
  }
});

test('the doctor says what is wrong with topics that are there', async () => {
  const env = {
    ...environment(await freshDatabase()),
    DQ_KAFKA_SOURCE_TOPICS: await freshTopic('raw', { partitions: 2 }),
    DQ_KAFKA_VALID_TOPIC: await freshTopic('valid', {
      configs: { 'message.timestamp.type': 'LogAppendTime', 'max.message.bytes': '1048576' },
    }),
    DQ_KAFKA_DLQ_TOPIC: await freshTopic('dlq', { configs: { 'cleanup.policy': 'compact' } }),
  };
  const { exitCode, text } = await examined(env);
  expect(exitCode).toBe(1);
  expect(text).toContain('has fewer partitions (1) than a source topic (2)');
  expect(text).toContain('replaces timestamps');
  expect(text).toContain('dead letters of one key replace each other');
  expect(text).toContain('takes 1 MiB, and');
});
