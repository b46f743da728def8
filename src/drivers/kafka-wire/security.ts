import { readFileSync } from 'node:fs';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { SASLMechanismValue, SASLOptions } from '@platformatic/kafka';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';

/** librdkafka properties as `kafka.client` gives them. What does not concern security is left alone. */
export type ClientProperties = Readonly<Record<string, unknown>>;

export interface WireSecurity {
  readonly tls: TlsOptions | null;
  readonly sasl: SASLOptions | null;
}

const mechanisms: readonly SASLMechanismValue[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];
const protocols = ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'];
/** Everything under these names decides who may read along or who we are; none of it may be silently dropped. */
const securityName = /^(security\.|ssl\.|sasl\.|enable\.ssl\.|enable\.sasl\.|https\.)/;
const translated = new Set([
  'security.protocol',
  'sasl.mechanism',
  'sasl.mechanisms',
  'sasl.username',
  'sasl.password',
  'ssl.ca.location',
  'ssl.ca.pem',
  'ssl.certificate.location',
  'ssl.certificate.pem',
  'ssl.key.location',
  'ssl.key.pem',
  'ssl.key.password',
  'ssl.cipher.suites',
  'enable.ssl.certificate.verification',
  'ssl.endpoint.identification.algorithm',
]);

/**
 * Says in this client's terms what the official client is told by librdkafka properties. A security property that cannot be said
 * here is an error, because leaving it out would talk to the brokers under other terms than the user set.
 */
export function translateSecurity(client: ClientProperties): WireSecurity {
  for (const name of Object.keys(client)) {
    if (securityName.test(name) && !translated.has(name))
      throw untranslatable(name, 'has no counterpart in the client that reads on its own');
  }
  const protocol = (text(client, 'security.protocol') ?? 'plaintext').toLowerCase();
  if (!protocols.includes(protocol)) throw untranslatable('security.protocol', `must be one of ${protocols.join(', ')}`);
  return {
    tls: protocol.endsWith('ssl') ? tlsOf(client) : null,
    sasl: protocol.startsWith('sasl') ? saslOf(client) : null,
  };
}

function tlsOf(client: ClientProperties): TlsOptions {
  const tls: TlsOptions = { rejectUnauthorized: flag(client, 'enable.ssl.certificate.verification') };
  const ca = pem(client, 'ssl.ca');
  const cert = pem(client, 'ssl.certificate');
  const key = pem(client, 'ssl.key');
  const passphrase = text(client, 'ssl.key.password');
  const ciphers = text(client, 'ssl.cipher.suites');
  if (ca !== null) tls.ca = ca;
  if (cert !== null) tls.cert = cert;
  if (key !== null) tls.key = key;
  if (passphrase !== null) tls.passphrase = passphrase;
  if (ciphers !== null) tls.ciphers = ciphers;
  const identification = text(client, 'ssl.endpoint.identification.algorithm') ?? 'https';
  if (identification === 'none') tls.checkServerIdentity = () => undefined;
  else if (identification !== 'https') throw untranslatable('ssl.endpoint.identification.algorithm', 'must be https or none');
  return tls;
}

function saslOf(client: ClientProperties): SASLOptions {
  const name = 'sasl.mechanism' in client ? 'sasl.mechanism' : 'sasl.mechanisms';
  const wanted = text(client, name) ?? 'GSSAPI';
  const mechanism = mechanisms.find((known) => known === wanted.toUpperCase());
  if (mechanism === undefined) throw untranslatable(name, `is ${wanted}, and only ${mechanisms.join(', ')} can be used here`);
  const username = text(client, 'sasl.username');
  const password = text(client, 'sasl.password');
  if (username === null) throw untranslatable('sasl.username', `is needed by ${mechanism}`);
  if (password === null) throw untranslatable('sasl.password', `is needed by ${mechanism}`);
  return { mechanism, username, password };
}

/** The PEM text of `<name>.pem`, or the bytes of the file at `<name>.location`. */
function pem(client: ClientProperties, name: string): string | Buffer | null {
  const inline = text(client, `${name}.pem`);
  const location = text(client, `${name}.location`);
  // `probe` is librdkafka's word for the certificates of the system, which Node trusts by itself.
  if (inline !== null || location === null || location === 'probe') return inline;
  try {
    return readFileSync(location);
  } catch (error) {
    throw untranslatable(`${name}.location`, `names a file that cannot be read: ${messageOf(error)}`);
  }
}

function text(client: ClientProperties, name: string): string | null {
  const value = client[name];
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' ? String(value) || null : null;
}

function flag(client: ClientProperties, name: string): boolean {
  return (text(client, name) ?? 'true') !== 'false';
}

function untranslatable(name: string, why: string): DataQuarantineError {
  return new DataQuarantineError('DQ_CONFIG_INVALID', `kafka.client: ${name} ${why}.`);
}
