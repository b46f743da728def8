import kafka, { type LibrdKafkaError, type Producer } from '@confluentinc/kafka-javascript';
import type { PublisherHandle } from '../../native/surface.ts';
import { connect } from './client-connection.ts';
import { createClient, producerSettings } from './client-settings.ts';
import type { Publication } from './lane.ts';
import { laneProperties, type NativeLane, nameOfClient } from './native-lane.ts';
import { batchLimits, closeMsMax, onProducerError, type PublisherOptions } from './repairing-publisher.ts';
import type { ClientError, Reports, Sent, Transport } from './transport.ts';

/**
 * Messages straight from the slab's memory to the client's queue. Acknowledgements are counted natively, and heard of once a
 * publication. The client has no delivery callback: it would take what a message of ours carries for its own, and it reports
 * errors alone, because a report holds its message in the client's queue until it is read.
 */
export class NativeTransport implements Transport {
  readonly #lane: NativeLane;
  readonly #producer: Producer;
  readonly #brokers: string;
  readonly #reports: Reports;
  readonly #name = nameOfClient();
  readonly #topics = new Map<string, number>();
  #handle: PublisherHandle | null = null;

  constructor(options: PublisherOptions, reports: Reports, lane: NativeLane) {
    this.#lane = lane;
    this.#reports = reports;
    this.#brokers = options.client.brokers;
    const settings = {
      ...producerSettings(options.client, batchLimits(options)),
      'delivery.report.only.error': true,
      ...laneProperties(lane, this.#name, options.client.properties),
    };
    this.#producer = createClient(() => new kafka.Producer(settings));
    this.#producer.on('event.error', (error: LibrdKafkaError) => onProducerError(options, error));
  }

  async connect(): Promise<void> {
    await connect(this.#producer, this.#brokers);
    // The client's own events, and the errors it would report, are served on a thread of its own.
    this.#producer.setPollInBackground(true);
    this.#handle = this.#lane.addon.openPublisher(this.#name, (delivered, failed) => this.#onReports(delivered, failed));
  }

  send(slot: number, { topic, slab, rows, partitions, keys }: Publication, from: number, to: number): Sent {
    const { addon } = this.#lane;
    const handle = this.#handle as PublisherHandle;
    const replaced: (Uint8Array | undefined)[] = [];
    // A repair sends one message at a time: only the part that is sent is looked at.
    if (keys.size > 0) for (let index = from; index < to; index++) replaced[index] = keys.get(rows[index] as number);
    const [taken, code] = addon.send(
      handle,
      this.#topicOf(handle, topic),
      slot,
      slab.rows,
      slab.bytes,
      rows,
      partitions,
      keys.size > 0 ? replaced : null,
      from,
      to,
    ) as Int32Array & [number, number];
    return { taken, error: code === 0 ? null : this.#errorOf(code) };
  }

  /** Reports are counted as they come; nothing piles up. */
  async caughtUp(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#handle) this.#lane.addon.closePublisher(this.#handle);
    this.#handle = null;
    await new Promise<void>((resolve) => this.#producer.disconnect(closeMsMax, () => resolve()));
    this.#lane.addon.forget(this.#name);
  }

  #onReports(delivered: Int32Array, failed: Int32Array): void {
    for (let at = 0; at < delivered.length; at += 2) this.#reports.delivered(delivered[at] as number, delivered[at + 1] as number);
    for (let at = 0; at < failed.length; at += 3) {
      this.#reports.failed(failed[at] as number, failed[at + 1] as number, this.#errorOf(failed[at + 2] as number));
    }
  }

  #topicOf(handle: PublisherHandle, topic: string): number {
    let number = this.#topics.get(topic);
    if (number === undefined) {
      number = this.#lane.addon.openTopic(handle, topic);
      this.#topics.set(topic, number);
    }
    return number;
  }

  #errorOf(code: number): ClientError {
    return { code, message: this.#lane.addon.errorText(code) };
  }
}
