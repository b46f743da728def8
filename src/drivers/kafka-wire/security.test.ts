import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { translateSecurity } from './security.ts';

const login = { 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.username': 'u', 'sasl.password': 'p' };

test('nothing said means plain text and no login', () => {
  expect(translateSecurity({ 'client.id': 'x', 'fetch.wait.max.ms': 5 })).toEqual({ tls: null, sasl: null });
});

test('the protocol says whether there is TLS and a login', () => {
  expect(translateSecurity({ 'security.protocol': 'SSL', ...login })).toMatchObject({ tls: {}, sasl: null });
  expect(translateSecurity({ 'security.protocol': 'sasl_plaintext', ...login })).toMatchObject({
    tls: null,
    sasl: { mechanism: 'SCRAM-SHA-512' },
  });
  expect(translateSecurity({ 'security.protocol': 'SASL_SSL', ...login })).toEqual({
    tls: { rejectUnauthorized: true },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' },
  });
});

test('both names of the mechanism are known', () => {
  const { sasl } = translateSecurity({
    'security.protocol': 'sasl_ssl',
    'sasl.mechanisms': 'plain',
    'sasl.username': 'u',
    'sasl.password': 'p',
  });
  expect(sasl?.mechanism).toBe('PLAIN');
});

test('certificates are taken from files or from the settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wire-'));
  try {
    const file = join(folder, 'ca.pem');
    writeFileSync(file, 'CA');
    const client = {
      'security.protocol': 'ssl',
      'ssl.ca.location': file,
      'ssl.certificate.pem': 'CERT',
      'ssl.key.pem': 'KEY',
      'ssl.key.password': 'pass',
    };
    expect(translateSecurity(client).tls).toMatchObject({ ca: Buffer.from('CA'), cert: 'CERT', key: 'KEY', passphrase: 'pass' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('checks of the broker can be loosened only where the settings say so', () => {
  const loose = { 'enable.ssl.certificate.verification': false, 'ssl.endpoint.identification.algorithm': 'none' };
  const { tls } = translateSecurity({ 'security.protocol': 'ssl', ...loose });
  expect(tls?.rejectUnauthorized).toBe(false);
  expect(tls?.checkServerIdentity?.('host', {} as never)).toBe(undefined);
  expect(translateSecurity({ 'security.protocol': 'ssl' }).tls).not.toHaveProperty('checkServerIdentity');
});

test.each([
  ['ssl.keystore.location', { 'ssl.keystore.location': 'store.p12' }],
  ['sasl.kerberos.principal', { 'sasl.kerberos.principal': 'me' }],
  ['sasl.mechanisms', { 'security.protocol': 'sasl_ssl' }],
  ['sasl.mechanism', { 'security.protocol': 'sasl_ssl', 'sasl.mechanism': 'OAUTHBEARER' }],
  ['sasl.password', { 'security.protocol': 'sasl_ssl', 'sasl.mechanism': 'PLAIN', 'sasl.username': 'u' }],
  ['security.protocol', { 'security.protocol': 'tls' }],
  ['ssl.ca.location', { 'security.protocol': 'ssl', 'ssl.ca.location': '/no/such/file' }],
  ['ssl.endpoint.identification.algorithm', { 'security.protocol': 'ssl', 'ssl.endpoint.identification.algorithm': 'dns' }],
])('what cannot be translated is named: %s', (name, client) => {
  expect(() => translateSecurity(client)).toThrow(
    expect.objectContaining({ code: 'DQ_CONFIG_INVALID', message: expect.stringContaining(`${name} `) }),
  );
});
