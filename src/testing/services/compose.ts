import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../lib/package-root.ts';
import { freePorts } from './free-ports.ts';
import { startReaper } from './reaper.ts';
import type { OpenService, ServiceName } from './service.ts';

const composeFile = path.join(packageRoot, 'docker-compose.yml');
const startMsMax = 300_000;

/** What docker-compose.yml takes from the environment: the port on 127.0.0.1 and, where there is one, the password. */
const variables = {
  kafka: ['KAFKA_PORT'],
  postgres: ['POSTGRES_PORT', 'POSTGRES_PASSWORD'],
  s3: ['S3_PORT', 'S3_ACCESS_KEY', 'S3_SECRET_KEY'],
} as const;

/** Does a container daemon answer, and is Compose there? A client without its daemon fails at once. */
export function composeIsThere(): boolean {
  const answers = (args: string[]): boolean => spawnSync('docker', args, { stdio: 'ignore', timeout: 5000 }).status === 0;
  return answers(['compose', 'version']) && answers(['info']);
}

/**
 * The service of docker-compose.yml by that name, in a project of its own, so that several copies stand side by side.
 * Closing it removes its containers and volumes; so does a reaper when this process dies.
 */
export async function openByCompose<Name extends ServiceName>(name: Name): Promise<OpenService<Name>> {
  const project = `dataquarantine-${randomBytes(6).toString('hex')}`;
  const [port = 0] = await freePorts(1);
  const values = variables[name].map(
    (variable, index) => [variable, index === 0 ? String(port) : randomBytes(12).toString('hex')] as const,
  );
  const env = { ...process.env, ...Object.fromEntries(values) };
  const compose = ['compose', '--project-name', project, '--file', composeFile];
  const reaper = startReaper('read -r said; [ "$said" = done ] || exec docker "$@"', [...compose, 'down', '--volumes']);
  const close = async (): Promise<void> => {
    await promisify(execFile)('docker', [...compose, 'down', '--volumes'], { env });
    reaper.end('done\n');
  };
  try {
    await promisify(execFile)('docker', [...compose, 'up', '--detach', '--wait', '--no-deps', name], { env, timeout: startMsMax });
  } catch (error) {
    await close();
    throw error;
  }
  const secrets = values.slice(1).map(([, value]) => value);
  return {
    address: addresses[name](port, secrets) as OpenService<Name>['address'],
    took: `${name} of docker-compose.yml, on 127.0.0.1:${port}`,
    isOurs: false,
    close,
  };
}

const addresses = {
  kafka: (port: number) => ({ brokers: `127.0.0.1:${port}` }),
  postgres: (port: number, [password]: readonly string[]) => ({ url: `postgres://dataquarantine:${password}@127.0.0.1:${port}/postgres` }),
  s3: (port: number, [accessKeyId, secretAccessKey]: readonly string[]) => ({
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    secretAccessKey,
    region: 'us-east-1',
  }),
};
