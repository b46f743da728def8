import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/lib/package-root.ts';
import { imageAllocator } from '../src/testing/image-allocator.ts';
import type { Services } from '../src/testing/services/services.ts';

/** What the figures depend on beside the code. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGigabytes: number;
  readonly node: string;
  /** The official Kafka client. */
  readonly client: string;
  /** What the service takes its memory from; the yardsticks run on the system's own. Not in reports from before it was told. */
  readonly allocator?: string;
  readonly servers: readonly string[];
  /** Programs that wanted a core on average over a minute, before and after. More than none before means a noisy machine. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

export const loadNow = (): number => Number((loadavg()[0] ?? 0).toFixed(1));

export function describeMachine({ took }: Services, loadBefore: number): Machine {
  const clientManifest = join(packageRoot, 'node_modules/@confluentinc/kafka-javascript/package.json');
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    client: (JSON.parse(readFileSync(clientManifest, 'utf8')) as { version: string }).version,
    allocator: 'LD_PRELOAD' in imageAllocator() ? 'jemalloc' : "the system's malloc",
    // Without the address, which says nothing about speed.
    servers: Object.values(took).map((server) => server.replace(/,? (started here )?on \S+:\d+$/, '')),
    loadBefore,
    loadAfter: loadNow(),
  };
}

/** The commit of the tree, `+` behind it when files differ from it; `unknown` outside of a clone. */
export function describeCommit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: packageRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    // What the bench itself writes changes nothing that it measures.
    const changed = git('status', '--porcelain', '--', 'src', 'bench', ':!bench/results', ':!bench/README.md');
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
