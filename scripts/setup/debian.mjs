import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { run } from './run.mjs';

/** What librdkafka, inside the Kafka client, is built with. */
export const clientLibraries = [
  'libcurl4-openssl-dev',
  'libssl-dev',
  'libsasl2-dev',
  'zlib1g-dev',
  'liblz4-dev',
  'libzstd-dev',
  'g++',
  'make',
  'python3',
];

export const isDebian = onPath('dpkg-query') && onPath('apt-get');

/** Those of the Debian packages that are not installed. */
export function missingOf(packages) {
  const asked = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}${Package}\n', ...packages], { encoding: 'utf8' });
  const installed = new Set((asked.stdout ?? '').split('\n').flatMap((line) => (line.startsWith('ii') ? [line.slice(3).trim()] : [])));
  return packages.filter((name) => !installed.has(name));
}

/** What a person types to get the packages. */
export function byHand(packages) {
  return `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}   (as root)`;
}

/** May this user install packages without being asked for a password? */
export function mayInstall() {
  return isDebian && (isRoot() || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0);
}

export async function install(packages) {
  const apt = [...(isRoot() ? [] : ['sudo', '-n']), 'apt-get', '-y', '-o', 'DPkg::Lock::Timeout=300'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // Old lists may still do, so only the installation decides.
  await run('apt-update', [...apt, 'update'], { env, remedy: '' }).catch(() => {});
  await run('apt-install', [...apt, 'install', '--no-install-recommends', ...packages], { env, remedy: byHand(packages) });
}

export function onPath(program) {
  return (process.env.PATH ?? '').split(path.delimiter).some((dir) => {
    try {
      accessSync(path.join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function isRoot() {
  return process.getuid?.() === 0;
}
