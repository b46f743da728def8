import { expect, test } from 'vitest';
import { describeSettings } from './describe-settings.ts';
import { loadSettings } from './load-settings.ts';
import { masked } from './mask.ts';
import { knownSettings } from './schema-tree.ts';
import { abouts } from './setting.ts';
import { settingsPage } from './settings-page.ts';

function shown(env: Record<string, string>, flags: Record<string, unknown> = {}): Record<string, unknown> {
  return Object.fromEntries(describeSettings(loadSettings({ file: null, env, flags })).map(({ key, value }) => [key, value]));
}

test('every secret is masked and nothing else is', () => {
  const settings = shown(
    {
      DQ_POSTGRES_URL: 'postgres://ann:s3cret@db:5432/dq?sslmode=require&password=s3cret',
      DQ_STORAGE_ENDPOINT: 'http://ann:s3cret@s3:9000',
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 's3cret',
      AWS_SESSION_TOKEN: 's3cret',
      DQ_AUTH_TOKENS: 'ann:admin+payload:s3cret',
      DQ_OIDC_CLIENT_SECRET: 's3cret',
    },
    {
      'kafka.client.sasl.password': 's3cret',
      'kafka.client.ssl.key.password': 's3cret',
      'kafka.client.ssl.key.pem': 's3cret',
      'kafka.client.sasl.oauthbearer.client.secret': 's3cret',
      'kafka.client.sasl.username': 'ann',
      'kafka.client.sasl.oauthbearer.token.endpoint.url': 'https://idp',
      'kafka.client.ssl.key.location': '/run/key.pem',
    },
  );
  expect(JSON.stringify(settings)).not.toContain('s3cret');
  expect(settings).toMatchObject({
    'postgres.url': 'postgres://********@db:5432/dq?sslmode=require&password=********',
    'storage.endpoint': 'http://********@s3:9000',
    'storage.accessKeyId': 'AKIA',
    'storage.secretAccessKey': '********',
    'auth.tokens': ['ann:admin+payload:********'],
    'kafka.client.sasl.password': '********',
    'kafka.client.sasl.username': 'ann',
    'kafka.client.sasl.oauthbearer.token.endpoint.url': 'https://idp',
    'kafka.client.ssl.key.location': '/run/key.pem',
    'http.port': 8080,
  });
});

test('a secret that is not set is shown as not set', () => {
  expect(shown({})).toMatchObject({ 'storage.secretAccessKey': null, 'postgres.url': null, 'auth.tokens': [] });
});

test('a password with an at sign in it is masked whole', () => {
  const about = abouts.get(knownSettings.find(({ path }) => path.join('.') === 'postgres.url')?.schema as never);
  expect(masked('postgres://ann:p@ss@db/dq', about as never, 'url')).toBe('postgres://********@db/dq');
});

test('topics and client properties are listed by their own names with their origins', () => {
  const { settings, origins } = loadSettings({
    file: null,
    env: {},
    flags: { 'topics.raw-events.schema': 'a', 'kafka.client.linger.ms': 9 },
  });
  const rows = describeSettings({ settings, origins });
  expect(rows).toContainEqual(
    expect.objectContaining({
      key: 'topics.raw-events.schema',
      value: 'a',
      unit: null,
      origin: { kind: 'flag', flag: '--set topics.raw-events.schema' },
    }),
  );
  expect(rows).toContainEqual(
    expect.objectContaining({ key: 'topics.raw-events.strict', value: false, unit: null, origin: { kind: 'default' }, fallback: 'false' }),
  );
  expect(rows).toContainEqual(
    expect.objectContaining({
      key: 'kafka.client.linger.ms',
      value: 9,
      unit: null,
      origin: { kind: 'flag', flag: '--set kafka.client.linger.ms' },
    }),
  );
});

test('docs/settings.md is what the schema says', async () => {
  await expect(settingsPage()).toMatchFileSnapshot('../../docs/settings.md');
});

test('no setting is without a sentence of documentation', () => {
  const unfinished = knownSettings.filter(({ about }) => !/[.?]$/.test(about.doc));
  expect(unfinished.map(({ path }) => path.join('.'))).toEqual([]);
});
