import { exitCodeOf } from '../src/cli/exit-codes.ts';
import { type Io, processIo } from '../src/cli/io.ts';
import { printLine, printTable } from '../src/cli/print.ts';
import { openWire } from '../src/drivers/kafka-wire/wire.ts';
import { messageOf } from '../src/lib/errors.ts';
import { type BadKind, badKinds, sampleEvents } from '../src/testing/sample-events.ts';
import { LoadProducer } from './load-producer.ts';
import { type LoadOptions, loadOptions, usage } from './options.ts';

/** What was delivered, as `--json` prints it. */
interface LoadCounts {
  readonly topic: string;
  readonly delivered: number;
  readonly failed: number;
  readonly seconds: number;
  readonly messages_per_second: number;
  readonly bytes: number;
  /** Delivered messages by what must become of them: `valid`, `tombstone` or an error type. */
  readonly expected: Readonly<Record<string, number>>;
  /** Delivered messages by their kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

const tickMs = 5;
/** Sent without looking up: long enough to be fast, short enough for delivery reports and signals to come through. */
const burstMax = 1_000;

async function main(io: Io): Promise<void> {
  const options = loadOptions(process.argv.slice(2), io.env);
  if (options === null) return printLine(io.stdout, usage);
  await ensureTopic(options);
  const producer = await LoadProducer.open(options);
  const startedMs = performance.now();
  await feed(producer, options, io.stopSignal());
  await producer.close();
  const counts = countsOf(producer, options, (performance.now() - startedMs) / 1000);
  if (options.json) printLine(io.stdout, JSON.stringify(counts));
  else printCounts(io, counts);
  if (producer.failure !== null) printLine(io.stderr, `${producer.failed} messages were not delivered: ${producer.failure}`);
  io.exitCode = producer.failed === 0 ? 0 : 1;
}

/** A missing topic is told of before the first message, or made. */
async function ensureTopic({ brokers, client, topic, partitions }: LoadOptions): Promise<void> {
  const wire = await openWire({ brokers: brokers.split(','), client });
  try {
    if (partitions > 0) await wire.createTopics([{ name: topic, partitions, replicationFactor: -1, configs: {} }]);
    await wire.cluster([topic]);
  } finally {
    await wire.close();
  }
}

/** Sends at a steady rate, or as fast as the client takes messages, until all are sent or the signal comes. */
async function feed(producer: LoadProducer, options: LoadOptions, signal: AbortSignal): Promise<void> {
  const { messages, rate, invalid } = options;
  const events = sampleEvents({ ...options, invalid });
  const startedMs = performance.now();
  let waiting = messages > 0 ? events.next() : null;
  for (let sent = 0; waiting && !signal.aborted; ) {
    const due = rate === 0 ? messages : Math.min(messages, Math.floor(((performance.now() - startedMs) / 1000) * rate));
    const burstEnd = Math.min(due, sent + burstMax);
    while (waiting && sent < burstEnd && producer.send(waiting)) {
      sent += 1;
      waiting = sent < messages ? events.next() : null;
    }
    await (sent < due && sent === burstEnd ? immediate() : pause());
  }
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, tickMs));
}

function expectedOf(kind: string): string {
  if (kind in badKinds) return badKinds[kind as BadKind];
  return kind === 'tombstone' ? 'tombstone' : 'valid';
}

function countsOf(producer: LoadProducer, { topic }: LoadOptions, seconds: number): LoadCounts {
  const kinds: Record<string, number> = {};
  const expected: Record<string, number> = {};
  let delivered = 0;
  for (const [kind, count] of [...producer.delivered].sort(([, a], [, b]) => b - a)) {
    kinds[kind] = count;
    expected[expectedOf(kind)] = (expected[expectedOf(kind)] ?? 0) + count;
    delivered += count;
  }
  const { failed, bytes } = producer;
  return {
    topic,
    delivered,
    failed,
    seconds: Number(seconds.toFixed(3)),
    messages_per_second: Math.round(delivered / seconds),
    bytes,
    expected,
    kinds,
  };
}

function printCounts(io: Io, { topic, delivered, seconds, messages_per_second, bytes, kinds }: LoadCounts): void {
  const rows = Object.entries(kinds).map(([kind, count]) => [kind, count.toLocaleString('en').padStart(12), expectedOf(kind)]);
  printTable(io, ['kind', 'delivered'.padStart(12), 'must end as'], rows);
  const rate = messages_per_second.toLocaleString('en');
  printLine(
    io.stdout,
    `${delivered.toLocaleString('en')} messages, ${(bytes / 1e6).toFixed(1)} MB, to ${topic} in ${seconds} s: ${rate}/s`,
  );
}

const io = processIo();
try {
  await main(io);
} catch (error) {
  printLine(io.stderr, `load: ${messageOf(error)}`);
  io.exitCode = exitCodeOf(error);
}
process.exitCode = io.exitCode;
