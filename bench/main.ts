import { parseArgs } from 'node:util';
import { messageOf } from '../src/lib/errors.ts';
import { type Baseline, compare, comparisonTable, isLost } from './compare.ts';
import { measureFloods } from './flood.ts';
import { measureLatencies } from './latency.ts';
import { describeCommit, describeMachine, loadNow } from './machine.ts';
import { headingLines, toMarkdown } from './markdown.ts';
import { runMicro } from './micro.ts';
import { measureReloads, type ReloadSizes } from './reload.ts';
import { measureReplay } from './replay.ts';
import { type Measured, type Report, ratiosOf, wayOf } from './report.ts';
import { keepBaseline, keepReloads, keepReplay, keepReport, keepSafeties, keepSearches, keepSweeps, readBaseline } from './results.ts';
import { say } from './run.ts';
import { measureSafeties } from './safety.ts';
import { measureSearches } from './search.ts';
import { Stage } from './stage.ts';
import { measureSweep, sweepNames } from './sweep.ts';
import { measureFlow } from './throughput.ts';

const usualParts = ['throughput', 'flood', 'latency', 'judge'] as const;
/** Run only where they are named: they take long, and say nothing of how fast it is. */
const ownParts = ['reload', 'replay', 'search', 'safety'] as const;
const sweepParts = sweepNames.map((name) => `sweep-${name}` as const);
type Part = (typeof usualParts)[number] | (typeof ownParts)[number] | (typeof sweepParts)[number];

const usage = `Usage: npm run bench [-- [PART…] [--sweeps] [--quick] [--json]]
       npm run bench:compare [-- --accept]

Starts Kafka, PostgreSQL and S3 of its own, measures, prints Markdown. A whole run also writes bench/results/, the tables of
README.md and bench/README.md, and the baseline of bench:compare; a whole sweep, reload, replay, search or safety writes what is about it.

  PART      some of: ${usualParts.join(', ')} (all of these unless one is named),
            ${[...ownParts, ...sweepParts].join(', ')}
  --sweeps  all sweeps too
  --quick   small sizes, under two minutes, nothing is written
  --json    prints the report as one line of JSON instead

bench:compare measures the ratios shortly and holds them against bench/results/baseline.json: it warns past a loss of 15 % and
exits with 1 past one of 40 %. --accept writes them there instead.

DQ_LANE and DQ_ENGINE choose the way of the service, as always.
`;

/** How much is measured. */
interface Sizes {
  readonly rounds: number;
  readonly messages: number;
  readonly floodMessages: number;
  readonly microMs: number;
  readonly rates: readonly number[];
  readonly latencySeconds: number;
  readonly sweepRounds: number;
  readonly sweepMessages: number;
  readonly reload: ReloadSizes;
  readonly replayRecords: number;
  readonly searchRecords: number;
  /** Pairs; a few per cent show in many rounds only. */
  readonly safetyRounds: number;
  /** Is the official client's own loop measured beside the limit? */
  readonly withClient: boolean;
}

const wholeSizes: Sizes = {
  rounds: 5,
  messages: 6_000_000,
  floodMessages: 300_000,
  microMs: 1_000,
  rates: [1_000, 10_000],
  latencySeconds: 20,
  sweepRounds: 2,
  sweepMessages: 400_000,
  reload: { rounds: 2, messages: 26_000_000, schemas: 500 },
  replayRecords: 10_000,
  searchRecords: 10_000_000,
  safetyRounds: 5,
  withClient: true,
};
const quickSizes: Sizes = {
  rounds: 1,
  messages: 200_000,
  floodMessages: 30_000,
  microMs: 200,
  rates: [10_000],
  latencySeconds: 5,
  sweepRounds: 1,
  sweepMessages: 50_000,
  reload: { rounds: 1, messages: 3_000_000, schemas: 50 },
  replayRecords: 2_000,
  searchRecords: 1_000_000,
  safetyRounds: 1,
  withClient: true,
};
const compareSizes: Sizes = { ...quickSizes, rounds: 3, messages: 400_000, withClient: false };
const comparedParts: readonly Part[] = ['throughput', 'flood', 'judge'];
const badShares = [0.005, 0.05];

/** Exit codes as everywhere: 0 done, 1 the answer is no, 2 wrong usage, 3 a service could not be reached. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sweeps: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      accept: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const comparing = positionals[0] === 'compare';
  const parts = partsOf(comparing ? positionals.slice(1) : positionals);
  if (values.help || parts === null || (comparing && (positionals.length > 1 || values.sweeps)) || (values.accept && !comparing)) {
    (values.help ? process.stdout : process.stderr).write(usage);
    return values.help ? 0 : 2;
  }
  const baseline = comparing && !values.accept ? await readBaseline() : null;
  if (comparing && !values.accept && baseline === null) {
    say('There is no bench/results/baseline.json yet. Run `npm run bench:compare -- --accept` on a quiet machine.');
    return 2;
  }
  const stage = await Stage.open();
  try {
    if (baseline) return await compareWithBaseline(stage, baseline);
    if (comparing) await measureBaseline(stage);
    else await measureAndTell(stage, values.sweeps ? [...new Set([...parts, ...sweepParts])] : parts, values);
    return 0;
  } finally {
    await stage.close();
  }
}

async function measureAndTell(stage: Stage, parts: readonly Part[], { quick, json }: { quick: boolean; json: boolean }): Promise<void> {
  const report = await measure(stage, parts, quick ? quickSizes : wholeSizes);
  process.stdout.write(`${json ? JSON.stringify(report) : toMarkdown(report)}\n`);
  if (!quick) await keep(stage, report, parts);
}

/** Null where a name is none of ours. */
function partsOf(names: readonly string[]): readonly Part[] | null {
  const known: readonly string[] = [...usualParts, ...ownParts, ...sweepParts];
  if (!names.every((name) => known.includes(name))) return null;
  return names.length === 0 ? usualParts : (names as readonly Part[]);
}

async function measure(stage: Stage, parts: readonly Part[], sizes: Sizes): Promise<Report> {
  const loadBefore = loadNow();
  const flows = [];
  const sweeps = [];
  if (parts.includes('throughput')) for (const badShare of badShares) flows.push(await measureFlow(stage, badShare, sizes));
  const floods = parts.includes('flood') ? await measureFloods(stage, { rounds: sizes.rounds, messages: sizes.floodMessages }) : [];
  const paces = sizes.rates.map((rate) => ({ rate, seconds: sizes.latencySeconds }));
  const latencies = parts.includes('latency') ? await measureLatencies(stage, paces) : [];
  const micro = parts.includes('judge') ? await runMicro(stage.dir, sizes.microMs) : null;
  for (const name of sweepNames)
    if (parts.includes(`sweep-${name}`))
      sweeps.push(await measureSweep(stage, name, { rounds: sizes.sweepRounds, messages: sizes.sweepMessages }));
  const reloads = parts.includes('reload') ? await measureReloads(stage, sizes.reload) : [];
  const replay = parts.includes('replay') ? await measureReplay(stage, sizes.replayRecords) : null;
  const searches = parts.includes('search') ? await measureSearches(stage, sizes.searchRecords) : [];
  const safetySizes = { rounds: sizes.safetyRounds, messages: sizes.messages };
  const safeties = parts.includes('safety') ? await measureSafeties(stage, badShares, safetySizes) : [];
  const measured: Measured = { flows, floods, latencies, micro, sweeps, reloads, replay, searches, safeties };
  return { at: new Date().toISOString(), commit: describeCommit(), machine: describeMachine(stage.services, loadBefore), ...measured };
}

/** What is whole is kept. The baseline has a run of its own: ratios of short runs compare with those of short runs only. */
async function keep(stage: Stage, report: Report, parts: readonly Part[]): Promise<void> {
  if (usualParts.every((part) => parts.includes(part))) {
    await keepReport(report);
    say('baseline of bench:compare');
    await measureBaseline(stage);
  }
  if (report.sweeps.length > 0) await keepSweeps(report);
  if (report.reloads.length > 0) await keepReloads(report);
  if (report.replay !== null) await keepReplay(report);
  if (report.searches.length > 0) await keepSearches(report);
  if (report.safeties.length > 0) await keepSafeties(report);
}

async function compareWithBaseline(stage: Stage, baseline: Baseline): Promise<number> {
  const report = await measure(stage, comparedParts, compareSizes);
  const comparisons = compare(baseline.ratios, ratiosOf(report));
  const headings = [`Now: ${headingLines(report, wayOf(report))}`, `Baseline: ${headingLines(baseline, baseline.way)}`];
  process.stdout.write(`${[comparisonTable(comparisons), ...headings].join('\n\n')}\n`);
  return isLost(comparisons) ? 1 : 0;
}

async function measureBaseline(stage: Stage): Promise<void> {
  const report = await measure(stage, comparedParts, compareSizes);
  const { at, commit, machine } = report;
  await keepBaseline({ at, commit, machine, way: wayOf(report), ratios: ratiosOf(report) });
}

// Seven lines of the AWS SDK about the version of Node, which the report names.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
// The servers notice by themselves that their owner is gone; the programs under measurement are ended on the way out.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(3));
try {
  process.exitCode = await main();
} catch (error) {
  say(messageOf(error));
  process.exitCode = error instanceof TypeError && 'code' in error ? 2 : 3;
}
