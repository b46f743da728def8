import { expect, test } from 'vitest';
import { loadSettings } from '../config/load-settings.ts';
import { effectiveSettings } from './effective-settings.ts';

test('a setting says its value, where it came from, and what it would be else; a secret says nothing', () => {
  const { settings, origins } = loadSettings({
    file: null,
    env: { DQ_HTTP_PORT: '9000', DQ_POSTGRES_URL: 'postgres://ann:s3cret@db/dq', DQ_AUTH_TOKENS: 'ann:admin:s3cret' },
    flags: { 'kafka.client.sasl.password': 's3cret' },
  });
  const shown = effectiveSettings(settings, origins);
  expect(shown.find(({ key }) => key === 'http.port')).toMatchObject({
    value: '9000',
    origin: 'DQ_HTTP_PORT',
    default: '8080',
    is_default: false,
  });
  expect(shown.find(({ key }) => key === 'limits.valueBytes')).toMatchObject({ value: '10 MiB', origin: 'default', is_default: true });
  expect(shown.find(({ key }) => key === 'auth.tokens')?.value).toBe('ann:admin:********');
  expect(JSON.stringify(shown)).not.toContain('s3cret');
});
