import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** What a folder lies on. */
export interface Volume {
  readonly mountPoint: string;
  /** As the kernel names it: `ext4`, `overlay`, … */
  readonly fileSystem: string;
  /** What is lost with it where it does not outlive the container or the machine's uptime, else null. */
  readonly passing: string | null;
}

const passingFileSystems: Readonly<Record<string, string>> = {
  overlay: "a container's own layer",
  'fuse.fuse-overlayfs': "a container's own layer",
  aufs: "a container's own layer",
  tmpfs: 'memory',
  ramfs: 'memory',
  devtmpfs: 'memory',
};

/** What `dir` lies on, or would if it were made, as Linux tells in `/proc/self/mountinfo`. Null where nothing tells. */
export async function volumeOf(dir: string): Promise<Volume | null> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => null);
  return table === null ? null : volumeIn(table, await resolved(resolve(dir)));
}

/** The last mount whose point is the nearest above the path hides all others. See proc_pid_mountinfo(5). */
export function volumeIn(mountinfo: string, path: string): Volume | null {
  let found: Volume | null = null;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4]?.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const fileSystem = after.split(' ')[0];
    if (mountPoint === undefined || fileSystem === undefined || !isWithin(path, mountPoint)) continue;
    if (found && found.mountPoint.length > mountPoint.length) continue;
    found = { mountPoint, fileSystem, passing: passingFileSystems[fileSystem] ?? null };
  }
  return found;
}

function isWithin(path: string, mountPoint: string): boolean {
  return path === mountPoint || path.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
}

/** Without symbolic links as far as it is there. */
async function resolved(path: string): Promise<string> {
  const real = await realpath(path).catch(() => null);
  if (real !== null || path === '/') return real ?? path;
  return join(await resolved(dirname(path)), path.slice(dirname(path).length));
}
