import { existsSync } from 'node:fs';
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

const ownLayer = "a container's own layer";
const passingFileSystems: Readonly<Record<string, string>> = {
  overlay: ownLayer,
  'fuse.fuse-overlayfs': ownLayer,
  aufs: ownLayer,
  tmpfs: 'memory',
  ramfs: 'memory',
  devtmpfs: 'memory',
};

/** Folders of a lasting file system that are deleted all the same, by the place in it that a mount shows. */
const passingRoots: readonly (readonly [RegExp, string])[] = [
  [/\/io\.containerd\.[^/]+\/containers\//, "containerd's folder for an image's VOLUME"],
  [/\/kubernetes\.io~empty-dir\//, "a pod's emptyDir"],
  [/\/volumes\/[\da-f]{64}(?:\/|$)/, 'an anonymous volume'],
];
/** Container runtimes mount files of their own over these; hardly anybody else does. */
const containerMounts: ReadonlySet<string> = new Set(['/etc/hostname', '/etc/hosts']);

/** What `dir` lies on, or would if it were made, as Linux tells in `/proc/self/mountinfo`. Null where nothing tells. */
export async function volumeOf(dir: string): Promise<Volume | null> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => null);
  return table === null ? null : volumeIn(table, await resolved(resolve(dir)), await isContainer());
}

/**
 * The last mount whose point is the nearest above the path hides all others. See proc_pid_mountinfo(5). In a container (`contained`, or
 * where the table shows that it is one) the root is the container's own layer, whatever file system it has: btrfs and zfs need no overlay.
 */
export function volumeIn(mountinfo: string, path: string, contained = false): Volume | null {
  const mounts = mountinfo.split('\n').flatMap((line) => mountOf(line) ?? []);
  const ownRoot = contained || mounts.some(({ mountPoint }) => containerMounts.has(mountPoint));
  let found: Mount | null = null;
  for (const mount of mounts) {
    if (!isWithin(path, mount.mountPoint)) continue;
    if (!found || found.mountPoint.length <= mount.mountPoint.length) found = mount;
  }
  if (!found) return null;
  const { mountPoint, fileSystem } = found;
  return { mountPoint, fileSystem, passing: passingOf(found) ?? (ownRoot && mountPoint === '/' ? ownLayer : null) };
}

interface Mount {
  /** The folder of the file system that the mount shows. */
  readonly root: string;
  readonly mountPoint: string;
  readonly fileSystem: string;
}

function mountOf(line: string): Mount | null {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root, mountPoint] = before.split(' ').map(unescaped);
  const fileSystem = after.split(' ')[0];
  return root === undefined || mountPoint === undefined || fileSystem === undefined ? null : { root, mountPoint, fileSystem };
}

function unescaped(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function passingOf({ root, fileSystem }: Mount): string | null {
  return passingFileSystems[fileSystem] ?? passingRoots.find(([pattern]) => pattern.test(root))?.[1] ?? null;
}

/** Docker and Podman leave a mark; others show in the control group unless it has a namespace of its own. */
async function isContainer(): Promise<boolean> {
  if (['/.dockerenv', '/run/.containerenv'].some(existsSync)) return true;
  const groups = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  return /[/:](?:docker|kubepods|libpod|cri-containerd|crio|lxc)(?:[-/]|\.slice)/.test(groups);
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
