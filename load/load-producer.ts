import kafka, { type DeliveryReport, type LibrdKafkaError, type Producer } from '@confluentinc/kafka-javascript';
import { toClientHeaders } from '../src/drivers/kafka/client-headers.ts';
import { DataQuarantineError } from '../src/lib/errors.ts';
import type { SampleEvent } from '../src/testing/sample-events.ts';

export interface LoadProducerOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly client: Readonly<Record<string, string>>;
}

const connectMsMax = 15_000;
const flushMsMax = 60_000;
const queuedMessagesMax = 100_000;
const lookEveryMs = 5;
/** An empty Buffer without memory behind it would be sent as null; a view of no bytes is sent as empty. */
const noBytes = Buffer.alloc(1).subarray(1);
const anyPartition = -1;

/**
 * The official client as a producer that counts: every message carries its kind, and a kind counts when its delivery report came.
 * Keys go where a Java producer would send them.
 */
export class LoadProducer {
  readonly delivered = new Map<string, number>();
  failed = 0;
  /** Why the last of the failed messages failed, null while none did. */
  failure: string | null = null;
  bytes = 0;
  readonly #topic: string;
  readonly #producer: Producer;
  #open = 0;

  private constructor(producer: Producer, topic: string) {
    this.#producer = producer;
    this.#topic = topic;
    producer.on('delivery-report', (error: LibrdKafkaError | null, report: DeliveryReport) => this.#onReport(error, report));
  }

  static async open({ brokers, topic, client }: LoadProducerOptions): Promise<LoadProducer> {
    const producer = new kafka.Producer(
      {
        ...client,
        'bootstrap.servers': brokers,
        'client.id': 'dataquarantine-load',
        'enable.idempotence': true,
        'linger.ms': 5,
        'message.max.bytes': 32 * 2 ** 20,
        'queue.buffering.max.messages': queuedMessagesMax,
        'queue.buffering.max.kbytes': 262_144,
        dr_cb: true,
      },
      { acks: -1, partitioner: 'murmur2_random' },
    );
    // Broken connections are the client's to mend; without a listener each would end the process.
    producer.on('event.error', () => {});
    await new Promise<void>((resolve, reject) => {
      producer.connect({ timeout: connectMsMax }, (error: LibrdKafkaError | null) => {
        if (!error) return resolve();
        reject(
          new DataQuarantineError('DQ_KAFKA_UNREACHABLE', `Kafka at ${brokers} cannot be reached: ${error.message}`, { cause: error }),
        );
      });
    });
    // Reports are collected on a thread of the client's, so they do not wait for a timer of ours.
    producer.setPollInBackground(true);
    return new LoadProducer(producer, topic);
  }

  /** Messages whose report is still out. */
  get open(): number {
    return this.#open;
  }

  /** False, with nothing sent, while the client's queue is full. */
  send({ key, value, headers, kind }: SampleEvent): boolean {
    if (this.#open >= queuedMessagesMax) return false;
    try {
      const bytes = value?.length === 0 ? noBytes : value;
      this.#producer.produce(this.#topic, anyPartition, bytes, key, undefined, kind, toClientHeaders(headers));
    } catch (error) {
      if ((error as LibrdKafkaError).code === kafka.CODES.ERRORS.ERR__QUEUE_FULL) return false;
      throw error;
    }
    this.#open += 1;
    this.bytes += value?.length ?? 0;
    return true;
  }

  /** Waits for the reports of all that was sent. What has none after a minute counts as failed. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#producer.flush(flushMsMax, () => resolve()));
    // The last reports may still be on their way from the client's queue to us.
    for (let waitedMs = 0; this.#open > 0 && waitedMs < 1_000; waitedMs += lookEveryMs)
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    if (this.#open > 0) this.#fail(this.#open, `no report within ${flushMsMax / 1000} seconds`);
    await new Promise<void>((resolve) => this.#producer.disconnect(connectMsMax, () => resolve()));
  }

  #onReport(error: LibrdKafkaError | null, report: DeliveryReport): void {
    this.#open -= 1;
    if (error) return this.#fail(1, error.message);
    const kind = report.opaque as string;
    this.delivered.set(kind, (this.delivered.get(kind) ?? 0) + 1);
  }

  #fail(messages: number, why: string): void {
    this.failed += messages;
    this.failure = why;
  }
}
