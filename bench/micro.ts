import { join } from 'node:path';
import { Bench } from 'tinybench';
import { ByteWriter } from '../src/lib/byte-writer.ts';
import { packageRoot } from '../src/lib/package-root.ts';
import type { Batch } from '../src/model/batch.ts';
import { answer, Slab } from '../src/model/slab.ts';
import { loadJudge } from '../src/native/index.ts';
import { silentLog } from '../src/observe/log.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { claimsOf } from '../src/pipeline/batch/batcher.ts';
import { writeDeadLetter } from '../src/pipeline/sink/dead-letter.ts';
import { Load } from '../src/pipeline/sink/load.ts';
import { quarantined } from '../src/pipeline/sink/quarantined.ts';
import { Tally } from '../src/pipeline/tally.ts';
import { Registry } from '../src/registry/registry.ts';
import { encodeCopyRows } from '../src/store/copy-rows.ts';
import { createRecordId } from '../src/store/record-id.ts';
import { encodeSegment, formatStoragePath } from '../src/store/segment.ts';
import { JudgeProgress } from '../src/workers/judge-progress.ts';
import { type LoadedCatalog, loadCatalog, loadSchemas } from '../src/workers/loaded-catalog.ts';
import { NativeJudge } from '../src/workers/native-judge.ts';
import { nativeSetup } from '../src/workers/native-setup.ts';
import { defaultLimits } from '../src/workers/read-json.ts';
import { SlabJudge } from '../src/workers/slab-judge.ts';
import { eventOf } from './events.ts';

/** Microseconds of processor time a message, by the name of the work. */
export type Micro = Readonly<Record<string, number>>;

const rows = 2_000;
const badShare = 0.05;
const topics = ['bench.micro'];
const rules = [{ schema: null, allowed: null, strict: false }];

/** Each step of the way by itself, over one slab of events. `dir` is for files of the registry. */
export async function runMicro(dir: string, msPerTask: number): Promise<Micro> {
  const catalog = await loadAll(dir);
  const bench = new Bench({ time: msPerTask, warmupTime: msPerTask / 4, now: processorMs });
  const usual = createBatch(badShare);
  const flood = createBatch(1);
  const judge = ({ slab }: Batch, native: NativeJudge | null = null) =>
    new SlabJudge({ slab, topics: rules, loaded: catalog, limits: defaultLimits, absent: [], progress, native }).judge(0, rows);
  bench.add('parse + ajv', () => parseAndValidate(usual, catalog));
  bench.add('judge, js', () => judge(usual));
  const native = NativeJudge.of({ loaded: catalog, topics: rules, limits: defaultLimits });
  if (native) {
    bench.add('native', () => native.judge(pending(usual).slab, progress, { from: 0, to: rows }));
    bench.add('judge, native', () => judge(pending(usual), native));
    bench.add('simdjson, parse only', parseOnly(usual, catalog));
  }
  bench.add('parse + ajv, all bad', () => parseAndValidate(flood, catalog));
  bench.add('judge, js, all bad', () => judge(flood));
  if (native) bench.add('judge, native, all bad', () => judge(pending(flood), native));
  const { rejects } = judge(flood);
  const identify = createRecordId({ clusterId: 'bench', topics: new Map(topics.map((topic) => [topic, { topicId: topic }])) });
  const load = new Load(Slab.allocate(rows, flood.slab.bytesMax));
  for (const reject of rejects) load.add(flood, reject);
  const records = quarantined(load, identify, Date.now());
  const { places } = encodeSegment(records);
  const stored = records.map((record, index) => ({
    record,
    storagePath: formatStoragePath('bench.micro/2026/01/01/01JGFJJZ00000000000000000.seg', places[index] as (typeof places)[number]),
  }));
  const tally = new Tally({ schemaName: () => 'user_event', metrics: createMetrics() });
  const receipt = { batch: usual, rejects: judge(usual).rejects };
  bench.add('ledger sums', () => {
    tally.take(usual);
    tally.count(receipt)(Date.now());
    tally.balance(0);
  });
  bench.add('identify', () => quarantined(load, identify, Date.now()));
  bench.add('segment', () => encodeSegment(records));
  bench.add('copy rows', () => encodeCopyRows(stored));
  const letters = new ByteWriter(Slab.allocate(1, rows * 4_096).bytes, 0);
  bench.add('dead letter', () => {
    letters.at = 0;
    for (const { record, storagePath } of stored) {
      const place = { storagePath, fingerprint: record.fault.fingerprint, quarantinedAt: record.quarantinedAt };
      writeDeadLetter(letters, record, place, 'whole');
    }
  });
  await bench.run();
  return Object.fromEntries(bench.tasks.map((task) => [task.name, (medianMs(task.result) * 1_000) / rows]));
}

const progress = new JudgeProgress();

/** As it was before anybody judged it: what has an answer is not judged again. */
function pending(batch: Batch): Batch {
  batch.slab.answers.fill(answer.pending);
  return batch;
}

/** Reads every value and asks nothing of it: what is left of the native judge's time is judging. */
function parseOnly({ slab }: Batch, { catalog, programs }: LoadedCatalog): () => number {
  const judge = loadJudge();
  if ('missing' in judge) throw new Error(judge.missing);
  const opened = judge.addon.open(nativeSetup({ catalog, programs, topics: rules, limits: defaultLimits }));
  return () => {
    const read = judge.addon.parseOnly(opened, slab, 0, rows);
    if (read !== rows) throw new Error(`simdjson read ${read} of ${rows} values`);
    return read;
  };
}

/** The clock of this bench is the processor's time of this process: others may want the cores, and the figures stay what they are. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function medianMs(result: { state: string; latency?: { p50: number } }): number {
  if (result.state !== 'completed' || !result.latency) throw new Error(`a micro bench ended as ${result.state}`);
  return result.latency.p50;
}

/** What the judge is held against: the least that anybody would do who wrote it in JavaScript. */
function parseAndValidate({ slab }: Batch, { catalog, schemas }: LoadedCatalog): number {
  let valid = 0;
  for (let row = 0; row < rows; row += 1) {
    const value = JSON.parse((slab.value(row) as Buffer).toString()) as { _schema: string; _schema_version: string };
    const schema = schemas[catalog.find(value._schema, value._schema_version)];
    if (schema?.validate(value)) valid += 1;
  }
  return valid;
}

function createBatch(invalidShare: number): Batch {
  const events = Array.from({ length: rows }, (_, number) => eventOf(number, invalidShare));
  const slab = Slab.allocate(
    rows,
    events.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
  );
  events.forEach(({ key, value }, offset) => {
    slab.append({ offset, timestamp: Date.now(), partition: 0, topic: 0, epoch: 1, value, key, headers: [] });
    slab.answers[offset] = answer.pending;
  });
  return { id: 1, slab, topics, claims: claimsOf(slab, topics), startedMs: 0 };
}

async function loadAll(dir: string): Promise<LoadedCatalog> {
  const registry = await Registry.open({
    dir: join(packageRoot, 'schemas'),
    cacheDir: join(dir, 'validators'),
    prebuiltDir: join(packageRoot, 'generated'),
    log: silentLog(),
  });
  try {
    const loaded = await loadCatalog(registry.reference().manifest);
    await loadSchemas(loaded, loaded.catalog.usable());
    return loaded;
  } finally {
    await registry.close();
  }
}
