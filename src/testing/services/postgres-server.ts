import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DataQuarantineError } from '../../lib/errors.ts';
import { openToOthers, postgresBin, wayIsOpen } from './programs.ts';
import { openServer, type Place, type Recipe, runToEnd, type Server, type ServerOptions } from './server.ts';

export interface PostgresServer {
  /** The superuser's URL of the database `postgres`. */
  readonly url: string;
  readonly server: Server;
}

export async function openPostgres(options: ServerOptions = {}): Promise<PostgresServer> {
  const { server, place } = await openServer(createRecipe(), options);
  return { server, url: `postgres://postgres:${password(place)}@127.0.0.1:${place.ports[0]}/postgres` };
}

function createRecipe(): Recipe {
  const user = unprivilegedUser();
  let bin = '';
  return {
    name: 'PostgreSQL',
    errorCode: 'DQ_POSTGRES_UNREACHABLE',
    portsCount: 1,
    // SIGINT is PostgreSQL's fast shutdown: open sessions are ended, then everything is written down.
    stopSignal: 'SIGINT',
    // SIGQUIT makes the postmaster end its children, which a SIGKILL of it would not.
    reapSignal: 'QUIT',
    prepare: async (place) => {
      if (user && !wayIsOpen(place.dir)) throw closedFolder(place.dir);
      bin = user ? await openToOthers(postgresBin(), place.dir) : postgresBin();
      if (existsSync(path.join(place.dir, 'cluster', 'PG_VERSION'))) return;
      await initialise(place, bin, user);
    },
    command: (place) => ({
      file: path.join(bin, 'postgres'),
      args: [
        '-D',
        path.join(place.dir, 'cluster'),
        ...Object.entries(settings(place)).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      ...(user && { user }),
    }),
    isReady,
  };
}

function closedFolder(dir: string): DataQuarantineError {
  const why = 'PostgreSQL refuses to run as root, so it runs as another user';
  return new DataQuarantineError('DQ_POSTGRES_UNREACHABLE', `${why}, who cannot pass to ${dir}. Give its parents the right x for others.`);
}

function settings({ ports: [port] }: Place): Record<string, string | number> {
  return {
    listen_addresses: '127.0.0.1',
    port: port ?? 0,
    unix_socket_directories: '',
    max_connections: 200,
    max_wal_size: '4GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
}

async function initialise(place: Place, bin: string, user: { uid: number; gid: number } | null): Promise<void> {
  const cluster = path.join(place.dir, 'cluster');
  await mkdir(cluster, { mode: 0o700 });
  await writeFile(passwordFile(place), randomBytes(12).toString('hex'), { mode: 0o600 });
  if (user) await Promise.all([cluster, passwordFile(place)].map((file) => chown(file, user.uid, user.gid)));
  // What initdb itself writes need not be safe yet; every later write is (fsync stays on).
  const args = [
    '-D',
    cluster,
    '-U',
    'postgres',
    `--pwfile=${passwordFile(place)}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ];
  await runToEnd({ file: path.join(bin, 'initdb'), args, ...(user && { user }) }, place.dir);
}

function passwordFile(place: Place): string {
  return path.join(place.dir, 'password');
}

function password(place: Place): string {
  return readFileSync(passwordFile(place), 'utf8');
}

/** The eighth line of postmaster.pid is the server's own word on its state; pg_ctl reads the same line. */
async function isReady(place: Place, pid: number): Promise<boolean> {
  const lines = (await readFile(path.join(place.dir, 'cluster', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

/** PostgreSQL refuses to run as root. Debian's `postgres` user takes its place, or `nobody`, who is everywhere. */
function unprivilegedUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const name = ['postgres', 'nobody'].find((candidate) => idOf('-u', candidate) !== null) ?? 'nobody';
  return { uid: idOf('-u', name) ?? 65534, gid: idOf('-g', name) ?? 65534 };
}

function idOf(kind: '-u' | '-g', name: string): number | null {
  try {
    return Number(execFileSync('id', [kind, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return null;
  }
}
