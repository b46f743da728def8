import type { Command } from 'commander';
import { chooseWay } from '../app.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Origins } from '../config/origin.ts';
import type { Settings } from '../config/settings.ts';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { openWire, type Wire } from '../drivers/kafka-wire/wire.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { type VerifyReport, verify } from '../ledger/verify.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { serve } from '../main.ts';
import { createLog, type Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { publishMessages } from '../testing/publish-messages.ts';
import { sampleEvents } from '../testing/sample-events.ts';
import { openServices, type Services } from '../testing/services/services.ts';
import { type DemoTopics, demoSettings, demoTopics, partitions } from './demo-settings.ts';
import type { Io } from './io.ts';
import { printLine } from './print.ts';

interface DemoOptions {
  readonly once?: boolean;
  readonly messages: number;
  readonly rate: number;
  readonly invalid: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** Counters of the running service, as its metrics say. */
interface Flow {
  readonly consumed: number;
  readonly valid: number;
  readonly quarantined: number;
  readonly remediated: number;
  readonly tombstones: number;
}

const feedChunk = 2_000;
const feedBytesMax = 2 ** 20;

/** `dq demo`: the service on real servers of its own, with sample events. */
export function registerDemo(program: Command, io: Io): void {
  program
    .command('demo')
    .description('run the service on real servers with sample events, and show that nothing is lost')
    .option('--once', 'process a fixed number of messages, verify, print the result and end')
    .option('--messages <count>', 'messages to process with --once', positive('--messages'), 200_000)
    .option('--rate <count>', 'messages a second without --once', positive('--rate'), 2_000)
    .option('--invalid <share>', 'share of bad messages, 0 to 1', share, 0.05)
    .option('--seed <number>', 'seed of the sample events', Number, 1)
    .option('--json', 'print the result as one JSON object on the last line')
    .action((options: DemoOptions) => demo(io, options));
}

async function demo(io: Io, options: DemoOptions): Promise<void> {
  const signal = io.stopSignal();
  const say = (line: string) => printLine(options.json ? io.stderr : io.stdout, line);
  say('Starting Kafka, PostgreSQL and an S3 store …');
  const services = await openServices();
  try {
    for (const [name, took] of Object.entries(services.took)) say(`  ${name.padEnd(9)} ${took}`);
    await onServices(io, options, { services, signal, say });
  } finally {
    await services.close();
  }
}

interface Stage {
  readonly services: Services;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

async function onServices(io: Io, options: DemoOptions, { services, signal, say }: Stage): Promise<void> {
  const wire = await openWire({ brokers: [services.kafka.brokers], client: {} });
  try {
    const mark = services.areOurs ? null : `demo-${Date.now().toString(36)}`;
    if (mark !== null) say(`  These servers are not the demo's own: it uses topics, tables and a bucket of its own, all named ${mark}.`);
    const topics = await demoTopics(wire, mark);
    const { settings, origins } = loadSettings({
      file: null,
      env: {},
      flags: await demoSettings(services, topics, { once: options.once === true, mark }),
      need: ['kafka', 'postgres'],
    });
    await openStorage(settings.storage).ensure();
    const log = createLog({ level: options.once ? 'warn' : 'error', stream: 'stderr' });
    const result = options.once
      ? await runOnce(settings, options, { origins, log, signal, say })
      : await runLive(io, settings, options, { origins, log, signal, say });
    say('Verifying: every source record against the valid topic and the quarantine, with another Kafka client …');
    const report = await verified(wire, settings, topics);
    summarize(io, options, result, report);
  } finally {
    await wire.close();
  }
}

interface Running {
  readonly origins: Origins;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

interface Result {
  readonly flow: Flow;
  readonly seconds: number;
  /** How many messages must have been consumed, null where it ended in the middle of them. */
  readonly expected: number | null;
  readonly way: ReturnType<typeof chooseWay>;
}

/** Fills the source topic, then runs the service until it has settled all of it. */
async function runOnce(settings: Settings, options: DemoOptions, { origins, log, signal, say }: Running): Promise<Result> {
  const feeder = await Feeder.open(settings, options, log);
  say(`Feeding ${options.messages.toLocaleString('en')} sample events into ${feeder.topic} …`);
  while (feeder.fed < options.messages && !signal.aborted) await feeder.feed(Math.min(feedChunk, options.messages - feeder.fed));
  await feeder.close();
  say('Validating …');
  const stop = new AbortController();
  let result: Result | null = null;
  await serve(settings, {
    origins,
    log,
    signal: AbortSignal.any([signal, stop.signal]),
    onStarted: ({ metrics }) => {
      let startedMs: number | null = null;
      const look = async () => {
        const flow = await flowOf(metrics);
        if (startedMs === null && (await metrics.inflightMessages.get()).values.some(({ value }) => value > 0))
          startedMs = performance.now();
        if (flow.consumed < feeder.fed) return;
        clearInterval(timer);
        result = {
          way: chooseWay(settings),
          expected: feeder.fed,
          flow,
          seconds: (performance.now() - (startedMs ?? performance.now())) / 1000,
        };
        stop.abort();
      };
      const timer = setInterval(() => void look(), 10);
      signal.addEventListener('abort', () => clearInterval(timer));
    },
  });
  if (!result) throw new DataQuarantineError('DQ_DRAIN_TIMEOUT', 'the demo was interrupted before all messages were settled.');
  return result;
}

/** Runs the service and feeds it at a steady rate until Ctrl-C. */
async function runLive(io: Io, settings: Settings, options: DemoOptions, { origins, log, signal, say }: Running): Promise<Result> {
  const feeder = await Feeder.open(settings, options, log);
  const startedMs = performance.now();
  let flow: Flow = { consumed: 0, valid: 0, quarantined: 0, remediated: 0, tombstones: 0 };
  let feeding: Promise<void> = Promise.resolve();
  let counted: Metrics | null = null;
  await serve(settings, {
    origins,
    log,
    signal,
    onStarted: ({ address, metrics }) => {
      counted = metrics;
      say(whereToLook(address, settings));
      say(`Feeding ${options.rate.toLocaleString('en')} messages a second (--rate).`);
      feeding = feeder.feedAt(options.rate, signal);
      const show = async () => {
        const before = flow;
        flow = await flowOf(metrics);
        showProgress(io, flow, flow.consumed - before.consumed);
      };
      const timer = setInterval(() => void show(), 1_000);
      signal.addEventListener('abort', () => clearInterval(timer));
    },
  });
  await feeding;
  await feeder.close();
  if (io.stdout.isTTY) say('');
  say('Stopped: what was read is settled and committed.');
  return {
    way: chooseWay(settings),
    expected: null,
    flow: counted ? await flowOf(counted) : flow,
    seconds: (performance.now() - startedMs) / 1000,
  };
}

function whereToLook(address: string, { kafka, postgres }: Settings): string {
  return [
    '',
    `  review    ${address}/   (find a cause, mend its records, replay them)`,
    `  mend      ${address}/causes?q=quantity   (orders with "2" where 2 is meant: a repair is proposed that mends them all)`,
    `  health    ${address}/healthz  ${address}/readyz`,
    `  metrics   ${address}/metrics`,
    `  records   psql '${postgres.url}' -c 'select topic, error_type, field_path, count(*) from quarantine_records group by 1, 2, 3 order by 4 desc'`,
    `  topics    ${kafka.sourceTopics.join(', ')} → ${kafka.validTopic} and ${kafka.dlqTopic} on ${kafka.brokers.join(',')}`,
    '',
    '  Ctrl-C ends the demo and verifies that nothing was lost.',
    '',
  ].join('\n');
}

function showProgress(io: Io, flow: Flow, rate: number): void {
  const count = (value: number) => value.toLocaleString('en').padStart(9);
  const line =
    `${new Date().toISOString().slice(11, 19)}  consumed ${count(flow.consumed)}  valid ${count(flow.valid)}` +
    `  quarantined ${count(flow.quarantined)}  tombstones ${count(flow.tombstones)}  ${count(rate)}/s`;
  // A line that is wider than the terminal would not be written over by the next.
  io.stdout.write(io.stdout.isTTY ? `\r${line.slice(0, (io.stdout.columns ?? 120) - 1)}` : `${line}\n`);
}

/** Sample events for the source topic, spread over its partitions. */
class Feeder {
  readonly topic: string;
  fed = 0;
  readonly #publisher: ClientPublisher;
  readonly #events: ReturnType<typeof sampleEvents>;

  private constructor(topic: string, publisher: ClientPublisher, options: DemoOptions) {
    this.topic = topic;
    this.#publisher = publisher;
    this.#events = sampleEvents({ seed: options.seed, invalid: options.invalid });
  }

  static async open(settings: Settings, options: DemoOptions, log: Log): Promise<Feeder> {
    const client = { brokers: settings.kafka.brokers.join(','), clientId: 'dataquarantine-demo', properties: {} };
    const topic = settings.kafka.sourceTopics[0] as string;
    const publisher = await ClientPublisher.open({
      client,
      messageBytesMax: new Map([[topic, feedBytesMax]]),
      log,
      onFatal: (error) => {
        throw error;
      },
    });
    return new Feeder(topic, publisher, options);
  }

  async feed(count: number): Promise<void> {
    const messages = Array.from({ length: count }, (_, at) => {
      const { key, value, headers } = this.#events.next();
      return { partition: (this.fed + at) % partitions, timestamp: Date.now(), key, value, headers, offset: 0, topic: 0, epoch: 0 };
    });
    const refused = await publishMessages(this.#publisher, this.topic, messages);
    this.fed += count - refused.length;
  }

  async feedAt(rate: number, signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * rate) - this.fed;
      if (due > 0) await this.feed(Math.min(due, feedChunk));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  close(): Promise<void> {
    return this.#publisher.close();
  }
}

async function flowOf(metrics: Metrics): Promise<Flow> {
  const total = async (counter: { get(): Promise<{ values: { value: number }[] }> }) => {
    const { values } = await counter.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  const [consumed, valid, quarantined, remediated, tombstones] = await Promise.all([
    total(metrics.recordsProcessed),
    total(metrics.recordsValid),
    total(metrics.recordsInvalid),
    total(metrics.recordsRemediated),
    total(metrics.recordsTombstone),
  ]);
  return { consumed, valid, quarantined, remediated, tombstones };
}

async function verified(wire: Wire, settings: Settings, topics: DemoTopics): Promise<VerifyReport> {
  const database = openDatabase({ url: settings.postgres.url as string, poolMax: 2 });
  try {
    const { groupId, sourceTopics, validTopic } = settings.kafka;
    return await verify({
      wire,
      database,
      storage: null,
      spoolDirs: [settings.spool.dir],
      group: groupId,
      sourceTopics,
      validTopic,
      dlqTopic: topics.dlq,
      from: null,
    });
  } finally {
    await database.close();
  }
}

function summarize(io: Io, options: DemoOptions, { flow, seconds, expected, way }: Result, { counts, unaccounted }: VerifyReport): void {
  const missing = Math.max(counts.unaccounted, expected === null ? 0 : expected - counts.in);
  const result = {
    ...flow,
    duplicates: counts.duplicates,
    unaccounted: missing,
    seconds: Number(seconds.toFixed(3)),
    messages_per_second: Math.round(flow.consumed / Math.max(seconds, 0.001)),
    lane: way.lane,
    engine: way.engine,
  };
  for (const { topic, partition, offset } of unaccounted) printLine(io.stderr, `unaccounted: ${topic}/${partition}/${offset}`);
  if (options.json) printLine(io.stdout, JSON.stringify(result));
  else {
    const per = options.once ? `, ${result.messages_per_second.toLocaleString('en')} messages a second` : '';
    printLine(
      io.stdout,
      `${counts.in.toLocaleString('en')} in = ${counts.valid.toLocaleString('en')} valid + ${counts.quarantined.toLocaleString('en')} quarantined` +
        ` + ${counts.tombstones} tombstones; ${counts.duplicates} duplicates, ${missing} unaccounted${per}`,
    );
  }
  io.exitCode = missing === 0 ? 0 : 1;
}

function positive(option: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number > 0) return number;
    throw new DataQuarantineError('DQ_CONFIG_INVALID', `${option} takes a whole number above 0, not "${text}".`);
  };
}

function share(text: string): number {
  const number = Number(text);
  if (!(number >= 0 && number <= 1))
    throw new DataQuarantineError('DQ_CONFIG_INVALID', `--invalid takes a share from 0 to 1, not "${text}".`);
  return number;
}
