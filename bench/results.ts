import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/lib/package-root.ts';
import type { Baseline } from './compare.ts';
import {
  headingLines,
  latencyTable,
  reloadTable,
  replaceBlock,
  replayTable,
  safetyTable,
  searchTable,
  sweepSections,
  throughputTable,
  toMarkdown,
} from './markdown.ts';
import { latencyPlot, sweepCostPlot, sweepRatePlot, throughputPlot } from './plots.ts';
import { type Heading, type Report, wayOf } from './report.ts';
import { type Sweep, sweepNames } from './sweep.ts';

const dir = join(packageRoot, 'bench', 'results');

/** One sweep as it is kept. */
type KeptSweep = Heading & { readonly sweep: Sweep };

/** Keeps a whole report: its figures, its plots, and the tables of both pages. */
export async function keepReport(report: Report): Promise<void> {
  const usual = { ...report, sweeps: [], reloads: [], replay: null, searches: [], safeties: [] };
  await writeJson('latest', usual);
  await writeResult('throughput.svg', throughputPlot(report));
  await writeResult('latency.svg', latencyPlot(report.latencies));
  await fillPage(join('bench', 'README.md'), 'figures', toMarkdown(usual));
  const plot = '![Throughput against the limit](bench/results/throughput.svg)';
  const block = [plot, throughputTable(report), latencyTable(report), headingLines(report, wayOf(report))];
  await fillPage('README.md', 'bench', block.join('\n\n'));
}

export async function keepSweeps({ at, commit, machine, sweeps }: Report): Promise<void> {
  for (const sweep of sweeps) {
    await writeJson(`sweep-${sweep.name}`, { at, commit, machine, sweep } satisfies KeptSweep);
    await writeResult(`sweep-${sweep.name}.svg`, sweepRatePlot(sweep));
    await writeResult(`sweep-${sweep.name}-cost.svg`, sweepCostPlot(sweep));
  }
  const kept = await Promise.all(sweepNames.map((name) => readJson<KeptSweep>(`sweep-${name}`)));
  await fillPage(join('bench', 'README.md'), 'sweeps', sweepSections(kept.filter((sweep) => sweep !== null)));
}

export async function keepSearches({ at, commit, machine, searches }: Report): Promise<void> {
  await writeJson('search', { at, commit, machine, searches });
  await fillPage(join('bench', 'README.md'), 'search', `${searchTable(searches)}\n\n${headingLines({ at, commit, machine }, null)}`);
}

export async function keepSafeties({ at, commit, machine, safeties }: Report): Promise<void> {
  await writeJson('safety', { at, commit, machine, safeties });
  await fillPage(
    join('bench', 'README.md'),
    'safety',
    `${safetyTable(safeties)}\n\n${headingLines({ at, commit, machine }, wayOf({ safeties }))}`,
  );
}

export async function keepReplay({ at, commit, machine, replay }: Report): Promise<void> {
  await writeJson('replay', { at, commit, machine, replay });
  await fillPage(join('bench', 'README.md'), 'replay', `${replayTable(replay)}\n\n${headingLines({ at, commit, machine }, null)}`);
}

export async function keepReloads({ at, commit, machine, reloads }: Report): Promise<void> {
  await writeJson('reload', { at, commit, machine, reloads });
  const way = wayOf({ reloads });
  await fillPage(join('bench', 'README.md'), 'reload', `${reloadTable(reloads)}\n\n${headingLines({ at, commit, machine }, way)}`);
}

export async function keepBaseline(baseline: Baseline): Promise<void> {
  await writeJson('baseline', baseline);
}

export async function readBaseline(): Promise<Baseline | null> {
  return readJson<Baseline>('baseline');
}

async function fillPage(path: string, name: string, block: string): Promise<void> {
  const file = join(packageRoot, path);
  await writeFile(file, replaceBlock(await readFile(file, 'utf8'), name, block));
}

async function writeJson(name: string, value: unknown): Promise<void> {
  await writeResult(`${name}.json`, `${JSON.stringify(value, null, 2)}\n`);
}

async function writeResult(name: string, content: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, name), content);
}

/** Null where it was never kept. */
async function readJson<T>(name: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(join(dir, `${name}.json`), 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
