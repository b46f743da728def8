import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Slab } from '../../model/slab.ts';
import { buildMessage } from '../../testing/build-batch.ts';
import { fillTo, laneNames, publisherOf, sourceOf } from '../../testing/lanes.ts';
import { publishMessages } from '../../testing/publish-messages.ts';
import { openSecureKafka } from '../../testing/services/kafka-server.ts';
import { openWire } from '../kafka-wire/wire.ts';
import type { ClientProperties } from './client-settings.ts';

const user = 'dq';
const password = 'tell-nobody';

let dir: string;
let broker: Awaited<ReturnType<typeof openSecureKafka>>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dq-tls-'));
  for (const authority of ['ca', 'stranger']) makeAuthority(authority);
  const keyStore = makeKeyStore('broker', 'ca');
  broker = await openSecureKafka({ keyStore, user, password });
}, 60_000);

afterAll(async () => {
  await broker.server.close();
  await rm(dir, { recursive: true });
});

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
}

function makeAuthority(name: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', `/CN=${name}`, '-out', `${name}.pem`);
}

/** A key and a certificate for localhost, in the one file that Kafka reads. */
function makeKeyStore(name: string, authority: string): string {
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
  openssl('req', ...key, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-out', `${name}.csr`);
  const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-copy_extensions', 'copy', '-days', '2', '-out', `${name}.crt`);
  const file = join(dir, `${name}.pem`);
  writeFileSync(file, Buffer.concat([readFileSync(join(dir, `${name}.key`)), readFileSync(join(dir, `${name}.crt`))]));
  return file;
}

/** `kafka.client` as a user of a managed Kafka writes it. */
function secured(mechanism: string, changes: ClientProperties = {}): ClientProperties {
  return {
    'security.protocol': 'sasl_ssl',
    'ssl.ca.location': join(dir, 'ca.pem'),
    'sasl.mechanisms': mechanism,
    'sasl.username': user,
    'sasl.password': password,
    'broker.address.family': 'v4',
    ...changes,
  };
}

function clientOf(properties: ClientProperties) {
  return { brokers: broker.secureBrokers, clientId: 'secured', properties };
}

async function topicOf(properties: ClientProperties, name: string): Promise<string> {
  const wire = await openWire({ brokers: [broker.secureBrokers], client: properties });
  try {
    await wire.createTopics([{ name, partitions: 1, replicationFactor: 1, configs: { 'retention.ms': '-1' } }]);
    return name;
  } finally {
    await wire.close();
  }
}

describe.each(laneNames)('over TLS, the %s lane', (lane) => {
  test.each(['PLAIN', 'SCRAM-SHA-512'])(
    'passes messages on after a login by %s, as does the client that reads on its own',
    async (mechanism) => {
      const properties = secured(mechanism);
      const topic = await topicOf(properties, `${lane}-${mechanism}`);
      const messages = ['1', '2', '3'].map((text) => buildMessage({ value: Buffer.from(text) }));
      const publisher = await publisherOf(lane, topic, { client: clientOf(properties) });
      expect(await publishMessages(publisher, topic, messages)).toEqual([]);
      const { source } = await sourceOf(lane, topic, { client: clientOf(properties) });
      const slab = Slab.allocate(8, 1_000);
      await fillTo(source, slab, 3);
      expect([0, 1, 2].map((row) => String(slab.value(row)))).toEqual(['1', '2', '3']);
    },
  );
});

test('it is said why a broker was not reached: a refused login, an authority that we do not know, an address that the certificate does not name', async () => {
  const strange = secured('PLAIN', { 'ssl.ca.location': join(dir, 'stranger.pem') });
  const clients = [
    clientOf(secured('SCRAM-SHA-512', { 'sasl.password': 'guessed' })),
    clientOf(strange),
    { ...clientOf(secured('PLAIN')), brokers: broker.secureBrokers.replace('localhost', '127.0.0.1') },
  ];
  const opened = await Promise.allSettled(clients.map((client) => publisherOf('client', 'any', { client })));
  const errors = opened.map((each) => String(each.status === 'rejected' && each.reason));
  expect(errors).toEqual([
    expect.stringMatching(/no broker of kafka.brokers .* answered within 15 s: .*authentication failed/i),
    expect.stringMatching(/certificate verify failed/),
    expect.stringMatching(/certificate verify failed/),
  ]);
  expect(errors.join()).not.toContain('guessed');
}, 60_000);
