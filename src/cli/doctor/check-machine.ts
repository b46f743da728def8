import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ruleProblems } from '../../config/rules.ts';
import type { Settings } from '../../config/settings.ts';
import { volumeOf } from '../../drivers/spool/volume.ts';
import { allocatorEnvironment, hasJemalloc } from '../../lib/allocator.ts';
import { type Loaded, loadJudge, loadLane } from '../../native/index.ts';
import type { Io } from '../io.ts';
import { type Check, failed, ok, warning } from './check.ts';

/** The last days of Node's release lines, from its release schedule. */
const nodeEndOfLife: Readonly<Record<number, string>> = { 20: '2026-04-30', 22: '2027-04-30', 24: '2028-04-30' };
const threadPoolMin = 16;
/** This machine: Node, its threads, the folders, who may use the API. */
export async function checkMachine(settings: Settings, env: Io['env']): Promise<Check[]> {
  return [
    checkNode(process.versions.node, new Date()),
    checkThreadPool(env),
    checkAllocator(await readFile('/proc/self/maps', 'utf8').catch(() => null)),
    checkNative('lane', loadLane()),
    checkNative('judge', loadJudge()),
    await checkSchemas(settings.schemas.dir),
    await checkSpool(settings.spool),
    checkAccess(settings),
  ];
}

export function checkNode(version: string, today: Date): Check {
  const end = nodeEndOfLife[Number.parseInt(version, 10)];
  if (end === undefined) return warning('node', `${version} is not one of the versions this is tested on`, 'Use Node 24.');
  const ended = today.toISOString().slice(0, 10) > end;
  return ended
    ? warning('node', `${version} has had no security fixes since ${end}`, 'Use Node 24.')
    : ok('node', `${version}, maintained until ${end}`);
}

export function checkThreadPool(env: Io['env']): Check {
  const size = Number(env['UV_THREADPOOL_SIZE'] ?? 4);
  if (size >= threadPoolMin) return ok('threads', `UV_THREADPOOL_SIZE is ${size}`);
  const detail = `UV_THREADPOOL_SIZE is ${size}: the Kafka client, files and DNS share these threads`;
  return warning('threads', detail, `Set it to ${threadPoolMin}, or leave it out: dq then does.`);
}

/** `maps` is what of memory this process has mapped, null where nothing tells. */
export function checkAllocator(maps: string | null): Check {
  if (maps !== null && hasJemalloc(maps)) return ok('allocator', 'jemalloc');
  const words = Object.entries(allocatorEnvironment).map(([name, value]) => `${name}=${value}`);
  return ok(
    'allocator',
    `the system's; on Linux, jemalloc takes less of the processor: install it and start with ${words.join(' ')}, as the image does`,
  );
}

/** Without them everything runs, several times slower. */
export function checkNative(name: string, loaded: Loaded<{ version(): string }>): Check {
  if ('missing' in loaded) return warning(`native ${name}`, loaded.missing, 'Build it, or go on: the service runs without it, slower.');
  return ok(`native ${name}`, `there, with version ${loaded.addon.version()} of its library`);
}

async function checkSchemas(dir: string): Promise<Check> {
  const folder = await stat(dir).catch(() => null);
  if (folder?.isDirectory()) return ok('schemas', dir);
  return failed('schemas', `there is no folder ${resolve(dir)}`, 'Set DQ_SCHEMAS_DIR to the folder of schema files.');
}

/** The folder need not be there yet; what counts is whether it can be, and on what. */
export async function checkSpool({ dir, commit }: Settings['spool']): Promise<Check> {
  const wanted = resolve(dir);
  let folder = wanted;
  while (folder !== dirname(folder) && !(await stat(folder).catch(() => null))) folder = dirname(folder);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch {
    return failed('spool', `${folder} cannot be written`, 'Set DQ_SPOOL_DIR to a folder of this user.');
  }
  if (commit === false) return ok('spool', `${wanted}: only drained, for spool.commit is false; offsets wait while a store is away`);
  const passing = (await volumeOf(wanted))?.passing ?? null;
  if (passing === null) return ok('spool', wanted);
  const where = `${wanted} lies on ${passing}, which may go with the process`;
  return commit === 'auto'
    ? warning('spool', `${where}: not used, offsets wait while a store is away`, 'Mount a volume there.')
    : warning('spool', `${where}, and spool.commit is true: offsets are committed all the same`, 'Mount a volume there, or use auto.');
}

function checkAccess(settings: Settings): Check {
  const problems = ruleProblems(settings, { need: ['http'], file: null, placeOf: () => '', given: settings });
  return problems.length > 0
    ? failed('access', problems.join('; '))
    : ok('access', `auth.mode ${settings.auth.mode} on ${settings.http.host}:${settings.http.port}`);
}
