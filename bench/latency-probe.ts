import { parseArgs } from 'node:util';
import kafka, { type Message } from '@confluentinc/kafka-javascript';
import { sentMsOf, stampedEvent } from './events.ts';

/*
 * Sends events at an even rate and reads them back from the valid topic, in one process and on one clock. Prints one line with the
 * quantiles of the time between. The first fifth is left out: it meets cold code.
 */

const { values: options } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    from: { type: 'string', default: '' },
    to: { type: 'string', default: '' },
    /** Where reading starts in each partition of `to`. */
    offsets: { type: 'string', default: '' },
    rate: { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
  },
});

const rate = Number(options.rate);
const events = rate * Number(options.seconds);
const warmUp = 0.2;
const lastWaitMs = 10_000;
const offsets = options.offsets.split(',').map(Number);

const consumer = new kafka.KafkaConsumer({
  'bootstrap.servers': options.brokers,
  'group.id': 'bench-latency-probe',
  'enable.auto.commit': false,
  'fetch.wait.max.ms': 100,
  'fetch.queue.backoff.ms': 2,
});

const producer = new kafka.Producer({
  'bootstrap.servers': options.brokers,
  acks: 'all',
  'linger.ms': 0,
  'delivery.report.only.error': true,
} as ConstructorParameters<typeof kafka.Producer>[0]);

const latenciesMs: number[] = [];

consumer.on('data', ({ value }: Message) => void latenciesMs.push(performance.now() - sentMsOf(value as Buffer)));
await new Promise((resolve) => producer.connect({}, resolve));
producer.setPollInBackground(true);
await new Promise((resolve) => consumer.connect({}, resolve));
consumer.setDefaultConsumeTimeout(100);
// In its own loop the client sleeps half a second whenever no message came in time, unless it is told not to.
consumer.setDefaultConsumeLoopTimeoutDelay(1);
consumer.assign(offsets.map((offset, partition) => ({ topic: options.to, partition, offset })));
consumer.consume();

await send();
const waitUntilMs = performance.now() + lastWaitMs;
while (latenciesMs.length < events && performance.now() < waitUntilMs) await pause();
process.stdout.write(`${JSON.stringify({ msg: 'measured', sent: events, seen: latenciesMs.length, ...quantiles() })}\n`);

/** What is due goes out every millisecond, into one partition at a time, as a Java producer's does. */
async function send(): Promise<void> {
  const startedMs = performance.now();
  let tick = 0;
  for (let sent = 0; sent < events; tick += 1) {
    const due = Math.min(events, Math.floor(((performance.now() - startedMs) / 1_000) * rate));
    for (; sent < due; sent += 1) {
      const { key, value } = stampedEvent(sent, performance.now());
      producer.produce(options.from, tick % offsets.length, value, key, Date.now());
    }
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

function quantiles(): Record<string, number> {
  const sorted = latenciesMs.slice(Math.floor(latenciesMs.length * warmUp)).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}
