import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** `pid` and everything that descends from it, parents first. PostgreSQL's children leave its process group, so the group is not enough. */
export async function processTree(pid: number): Promise<number[]> {
  const childrenOf = new Map<number, number[]>();
  for (const [child, parent] of await parents()) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), child]);
  const tree = [pid];
  for (const member of tree) tree.push(...(childrenOf.get(member) ?? []));
  return tree;
}

async function parents(): Promise<[child: number, parent: number][]> {
  // A slim image has /proc but no ps; macOS has ps but no /proc.
  return process.platform === 'linux' ? parentsByProc() : parentsByPs();
}

async function parentsByProc(): Promise<[number, number][]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.flatMap((stat) => {
    // The program's name stands in parentheses and may hold spaces; the state and then the parent follow it.
    const parent = /^(\d+) .*\) \S (\d+)/s.exec(stat);
    return parent ? [[Number(parent[1]), Number(parent[2])] as [number, number]] : [];
  });
}

async function parentsByPs(): Promise<[number, number][]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
}
