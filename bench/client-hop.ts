import { parseArgs } from 'node:util';
import kafka, { type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript';

/*
 * What people write by hand: the official client's own way from topic to topic, as its documentation shows it and tuned as well as
 * it can be. It keeps key, value, timestamp and partition, and counts a delivery report for every message, as a loop must that may
 * lose none.
 * Prints `{"msg":"assigned"}` and, when all messages went through, `{"msg":"done"}`, each with the time.
 */

const { values: options } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    from: { type: 'string', default: '' },
    to: { type: 'string', default: '' },
    group: { type: 'string', default: '' },
    messages: { type: 'string', default: '' },
  },
});

const messagesMax = Number(options.messages);
const batchMax = 2_000;
const fullQueueWaitMs = 5;
const flushMsMax = 60_000;
const queueFull = kafka.CODES.ERRORS.ERR__QUEUE_FULL;

const consumer = new kafka.KafkaConsumer({
  'bootstrap.servers': options.brokers,
  'group.id': options.group,
  'auto.offset.reset': 'earliest',
  'queued.max.messages.kbytes': 16_384,
  'queued.min.messages': 100_000,
  'fetch.queue.backoff.ms': 2,
  'fetch.wait.max.ms': 100,
  rebalance_cb: (error: LibrdKafkaError, partitions: { topic: string; partition: number }[]) => {
    if (error.code !== kafka.CODES.ERRORS.ERR__ASSIGN_PARTITIONS) return consumer.unassign();
    say('assigned');
    consumer.assign(partitions);
  },
});

const producer = new kafka.Producer({
  'bootstrap.servers': options.brokers,
  'enable.idempotence': true,
  acks: -1,
  'linger.ms': 5,
  'batch.size': 1_000_000,
  'queue.buffering.max.messages': 100_000,
  'queue.buffering.max.kbytes': 262_144,
  dr_cb: true,
});

let forwarded = 0;
let reported = 0;

function say(msg: string): void {
  process.stdout.write(`${JSON.stringify({ msg, time: new Date().toISOString() })}\n`);
}

function forward({ partition, value, key, timestamp }: Message): void {
  producer.produce(options.to, partition, value, key, timestamp);
  forwarded += 1;
}

async function forwardAll(messages: readonly Message[]): Promise<void> {
  for (const message of messages) {
    for (;;) {
      try {
        forward(message);
        break;
      } catch (error) {
        if ((error as LibrdKafkaError).code !== queueFull) throw error;
        await new Promise((resolve) => setTimeout(resolve, fullQueueWaitMs));
      }
    }
  }
}

async function runBatches(): Promise<void> {
  while (forwarded < messagesMax) {
    const messages = await new Promise<Message[]>((resolve, reject) => {
      consumer.consume(batchMax, (error: LibrdKafkaError | null, batch: Message[]) =>
        error ? reject(new Error(error.message)) : resolve(batch),
      );
    });
    await forwardAll(messages.slice(0, messagesMax - forwarded));
  }
}

async function finish(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    producer.flush(flushMsMax, (error) => (error ? reject(new Error(error.message)) : resolve()));
  });
  while (reported < forwarded) await new Promise((resolve) => setTimeout(resolve, 1));
  say('done');
}

producer.on('delivery-report', (error: LibrdKafkaError | null) => {
  if (error) throw new Error(error.message);
  reported += 1;
});
await new Promise((resolve) => producer.connect({}, resolve));
producer.setPollInBackground(true);
await new Promise((resolve) => consumer.connect({}, resolve));
(consumer as typeof consumer & { setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void }).setDefaultIsTimeoutOnlyForFirstMessage(
  true,
);
consumer.setDefaultConsumeTimeout(100);
consumer.subscribe([options.from]);
await runBatches();
// It stays until it is told to go, so that its processor time and memory can still be read.
await finish();
