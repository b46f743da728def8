import { connect } from 'node:net';
import { DataQuarantineError, type ErrorCode } from '../../lib/errors.ts';
import type { Addresses, ServiceName } from './service.ts';

interface Named<Name extends ServiceName> {
  readonly address: Addresses[Name];
  readonly took: string;
}

/** The server that the environment names, or null. A server that is named and does not answer is an error: another would be a surprise. */
export async function namedBySettings<Name extends ServiceName>(name: Name): Promise<Named<Name> | null> {
  return await readers[name](process.env);
}

const readers: { [Name in ServiceName]: (env: NodeJS.ProcessEnv) => Promise<Named<Name> | null> } = {
  kafka: async (env) => {
    const brokers = env['DQ_KAFKA_BROKERS'];
    if (!brokers) return null;
    const [host = '', port = '9092'] = (brokers.split(',')[0] ?? '').trim().split(/:(?=\d+$)/);
    await mustAnswer(host, Number(port), 'DQ_KAFKA_BROKERS', 'DQ_KAFKA_UNREACHABLE');
    return { address: { brokers }, took: `Kafka at ${brokers}, named by DQ_KAFKA_BROKERS` };
  },
  postgres: async (env) => {
    const url = env['DQ_POSTGRES_URL'];
    if (!url) return null;
    const { hostname, port } = urlOf(url, 'DQ_POSTGRES_URL');
    await mustAnswer(hostname, Number(port || 5432), 'DQ_POSTGRES_URL', 'DQ_POSTGRES_UNREACHABLE');
    return { address: { url }, took: `PostgreSQL at ${hostname}:${port || 5432}, named by DQ_POSTGRES_URL` };
  },
  s3: async (env) => {
    const endpoint = env['DQ_STORAGE_ENDPOINT'];
    if (!endpoint) return null;
    const { hostname, port, protocol, host } = urlOf(endpoint, 'DQ_STORAGE_ENDPOINT');
    await mustAnswer(hostname, Number(port || (protocol === 'https:' ? 443 : 80)), 'DQ_STORAGE_ENDPOINT', 'DQ_STORAGE_UNREACHABLE');
    const accessKeyId = env['AWS_ACCESS_KEY_ID'] ?? '';
    const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'] ?? '';
    const region = env['AWS_REGION'] ?? 'us-east-1';
    return { address: { endpoint, accessKeyId, secretAccessKey, region }, took: `S3 at ${host}, named by DQ_STORAGE_ENDPOINT` };
  },
};

function urlOf(text: string, setting: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new DataQuarantineError('DQ_CONFIG_INVALID', `${setting} is not a URL. Give it as scheme://host:port.`);
}

function mustAnswer(host: string, port: number, setting: string, code: ErrorCode): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string): void => {
      socket.destroy();
      reject(
        new DataQuarantineError(
          code,
          `${setting} names ${host}:${port}, and nothing answers there (${why}). Start that server or unset ${setting}.`,
        ),
      );
    };
    const socket = connect({ host, port, timeout: 5000 }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => refuse('no answer within 5 s'));
    socket.once('error', (error) => refuse(error.message));
  });
}
