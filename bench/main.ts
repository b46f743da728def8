import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/lib/errors.ts';
import { packageRoot } from '../src/lib/package-root.ts';
import { bareCopy } from './bare-copy.ts';
import { compare } from './compare.ts';
import { measureEngineLatency, measureHopLatency } from './latency.ts';
import { describeCommit, describeMachine, loadNow } from './machine.ts';
import { runMicro } from './micro.ts';
import { type Flood, type PacedLatency, type Report, ratiosOf, toMarkdown } from './report.ts';
import { Stage } from './stage.ts';
import { type Run, runEngine, runHop } from './throughput.ts';

const usage = `Usage: npm run bench -- [compare] [--quick] [--only PART,…] [--json]

Starts Kafka, PostgreSQL and S3 of its own, measures, prints Markdown. A whole run also writes bench/results/latest.json.

  compare  measures the ratios and holds them against bench/results/latest.json; exit code 1 past a loss of 40 %
  --quick  small sizes, under a minute
  --only   some of: ${['hop', 'engine', 'quarantine', 'judge', 'latency'].join(', ')}
  --json   prints the report as one line of JSON instead
`;

const parts = ['hop', 'engine', 'quarantine', 'judge', 'latency'] as const;
type Part = (typeof parts)[number];

/** How much is measured. */
interface Sizes {
  readonly rounds: number;
  readonly messages: number;
  readonly floodMessages: number;
  readonly microMs: number;
  readonly rates: readonly number[];
  readonly latencySeconds: number;
}

const wholeSizes: Sizes = {
  rounds: 3,
  messages: 600_000,
  floodMessages: 100_000,
  microMs: 1_000,
  rates: [1_000, 10_000],
  latencySeconds: 20,
};
const quickSizes: Sizes = { rounds: 1, messages: 150_000, floodMessages: 40_000, microMs: 200, rates: [10_000], latencySeconds: 5 };
const compareSizes: Sizes = { ...quickSizes, rounds: 3 };
const comparedParts: readonly Part[] = ['hop', 'engine', 'quarantine'];

const badShare = 0.05;
const resultsFile = join(packageRoot, 'bench', 'results', 'latest.json');

/** Exit codes as everywhere: 0 done, 1 the answer is no, 2 wrong usage, 3 a service could not be reached. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const comparing = positionals[0] === 'compare';
  const asked = comparing ? comparedParts : partsOf(values.only);
  if (values.help || asked === null || positionals.length > Number(comparing)) {
    (values.help ? process.stdout : process.stderr).write(usage);
    return values.help ? 0 : 2;
  }
  const report = await measure(asked, comparing ? compareSizes : values.quick ? quickSizes : wholeSizes);
  process.stdout.write(`${values.json ? JSON.stringify(report) : toMarkdown(report)}\n`);
  if (comparing) return await compareWithBaseline(report);
  if (!values.quick && values.only === undefined) await save(report);
  return 0;
}

/** Null where a name is none of ours. */
function partsOf(only: string | undefined): readonly Part[] | null {
  const named = only === undefined ? [...parts] : only.split(',');
  return named.every((name) => (parts as readonly string[]).includes(name)) ? (named as Part[]) : null;
}

async function measure(asked: readonly Part[], sizes: Sizes): Promise<Report> {
  const loadBefore = loadNow();
  const stage = await Stage.open();
  try {
    const throughput = await measureThroughput(stage, asked, sizes);
    const floods = asked.includes('quarantine') ? await measureFloods(stage, sizes) : [];
    const latencies = asked.includes('latency') ? await measureLatencies(stage, sizes) : [];
    const micro = asked.includes('judge') ? await runMicro(stage.dir, sizes.microMs) : null;
    const machine = describeMachine(stage.services, loadBefore);
    const measured = { at: new Date().toISOString(), commit: describeCommit(), machine, ...throughput, floods, micro, latencies };
    return { ...measured, ratios: ratiosOf(measured) };
  } finally {
    await stage.close();
  }
}

type Throughput = Pick<Report, 'hop' | 'hopReports' | 'engine'>;

/** The three ways in turn, each second round backwards, so that none always runs on what another left in the caches. */
async function measureThroughput(stage: Stage, asked: readonly Part[], { rounds, messages }: Sizes): Promise<Throughput> {
  const results: Record<keyof Throughput, Run[]> = { hop: [], hopReports: [], engine: [] };
  const wanted = [
    ...(asked.includes('hop') ? (['hop', 'hopReports'] as const) : []),
    ...(asked.includes('engine') ? (['engine'] as const) : []),
  ];
  if (wanted.length === 0) return results;
  const source = await stage.fill('raw', messages, badShare);
  const ways: Readonly<Record<keyof Throughput, () => Promise<Run>>> = {
    hop: () => runHop(stage, source, { reports: false }),
    hopReports: () => runHop(stage, source, { reports: true }),
    engine: () => withDatabase(stage, (database) => runEngine(stage, source, database)),
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const way of round % 2 === 0 ? wanted : wanted.toReversed()) {
      const run = await ways[way]();
      results[way].push(run);
      say(`round ${round + 1}, ${way}`, run);
    }
  }
  return results;
}

async function measureFloods(stage: Stage, { rounds, floodMessages }: Sizes): Promise<Flood[]> {
  const source = await stage.fill('flood', floodMessages, 1);
  const floods: Flood[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const flood = await withDatabase(stage, async (runDatabase) => {
      const engine = await runEngine(stage, source, runDatabase);
      const copies = await stage.withDatabase(runDatabase, async (database) => ({
        plainCopy: await bareCopy(database, 'plain'),
        indexedCopy: await bareCopy(database, 'indexed'),
      }));
      return { engine, ...copies };
    });
    floods.push(flood);
    say(`round ${round + 1}, all bad`, flood.engine);
  }
  return floods;
}

async function measureLatencies(stage: Stage, { rates, latencySeconds: seconds }: Sizes): Promise<PacedLatency[]> {
  const latencies: PacedLatency[] = [];
  // A broker that has just started takes a second for what later takes milliseconds.
  await measureHopLatency(stage, await stage.emptyTopic('paced-warm-up'), { rate: Math.max(...rates), seconds: 3 });
  for (const rate of rates) {
    const hop = await measureHopLatency(stage, await stage.emptyTopic(`paced-hop-${rate}`), { rate, seconds });
    const engine = await measureEngineLatency(stage, await stage.emptyTopic(`paced-engine-${rate}`), { rate, seconds });
    latencies.push({ rate, hop, engine });
    process.stderr.write(
      `${rate}/s: p50 and p99 of the hop ${ms(hop.p50Ms)}, ${ms(hop.p99Ms)}; of the engine ${ms(engine.p50Ms)}, ${ms(engine.p99Ms)}\n`,
    );
  }
  return latencies;
}

async function withDatabase<T>(stage: Stage, work: (database: Awaited<ReturnType<Stage['freshDatabase']>>) => Promise<T>): Promise<T> {
  const database = await stage.freshDatabase();
  try {
    return await work(database);
  } finally {
    await database.drop();
  }
}

async function compareWithBaseline(report: Report): Promise<number> {
  const baseline = JSON.parse(await readFile(resultsFile, 'utf8')) as Report;
  const comparisons = compare(baseline, report);
  for (const { name, baseline: before, now, lost } of comparisons) {
    process.stdout.write(`${lost ? 'LOST' : 'ok  '}  ${name}: ${now.toFixed(2)}, at ${baseline.commit} it was ${before.toFixed(2)}\n`);
  }
  return comparisons.some(({ lost }) => lost) ? 1 : 0;
}

async function save(report: Report): Promise<void> {
  await mkdir(dirname(resultsFile), { recursive: true });
  await writeFile(resultsFile, `${JSON.stringify(report, null, 2)}\n`);
}

/** Progress goes to standard error, so that standard output is the report alone. */
function say(what: string, { messagesPerSecond, seconds, cpuMicrosPerMessage, residentBytesPeak }: Run): void {
  const cpu = cpuMicrosPerMessage === null ? '' : `, ${cpuMicrosPerMessage.toFixed(1)} µs CPU a message`;
  const memory = residentBytesPeak === null ? '' : `, ${Math.round(residentBytesPeak / 1e6)} MB`;
  process.stderr.write(`${what}: ${Math.round(messagesPerSecond)}/s over ${seconds.toFixed(1)} s${cpu}${memory}, load ${loadNow()}\n`);
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}

// Seven lines of the AWS SDK about the version of Node, which the report names.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof TypeError && 'code' in error ? 2 : 3;
}
