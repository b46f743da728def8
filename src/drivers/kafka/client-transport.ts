import kafka, { type DeliveryReport, type LibrdKafkaError, type Producer } from '@confluentinc/kafka-javascript';
import { connect } from './client-connection.ts';
import { toClientHeaders } from './client-headers.ts';
import { createClient, producerSettings } from './client-settings.ts';
import type { Publication } from './lane.ts';
import { batchLimits, closeMsMax, onProducerError, type PublisherOptions, refusals } from './repairing-publisher.ts';
import { ReportLine } from './report-line.ts';
import type { Reports, Sent, Transport } from './transport.ts';

const codes = kafka.CODES.ERRORS;
const indexBits = 16;
/** What the client hands over in one turn (its callbacks.cc). */
const reportsMax = 100;
/** Errors that the broker answers with, and that are therefore reported in their place in the line. */
const answered: ReadonlySet<number> = new Set([...refusals.keys(), codes.ERR__INVALID_DIFFERENT_RECORD]);

/**
 * Messages through the client's own `produce`, one call and one delivery report each. Each stands in the line of its target partition
 * with a tag that finds its publication again when its report comes: 14 bits of slot, 16 bits of index.
 */
export class ClientTransport implements Transport {
  readonly #producer: Producer;
  readonly #brokers: string;
  readonly #reports: Reports;
  readonly #lines = new Map<string, ReportLine[]>();
  #reported = 0;

  constructor(options: PublisherOptions, reports: Reports) {
    this.#reports = reports;
    this.#brokers = options.client.brokers;
    const settings = { ...producerSettings(options.client, batchLimits(options)), 'delivery.report.only.error': false, dr_cb: true };
    this.#producer = createClient(() => new kafka.Producer(settings));
    this.#producer.on('delivery-report', (error: LibrdKafkaError | null, report: DeliveryReport) => this.#onReport(error, report));
    this.#producer.on('event.error', (error: LibrdKafkaError) => onProducerError(options, error));
  }

  async connect(): Promise<void> {
    await connect(this.#producer, this.#brokers);
    // Reports are collected on a thread of the client's, so they do not wait for a timer of ours.
    this.#producer.setPollInBackground(true);
  }

  send(slot: number, publication: Publication, from: number, to: number): Sent {
    for (let index = from; index < to; index++) {
      try {
        this.#produce(publication, index);
      } catch (thrown) {
        const error = thrown as LibrdKafkaError;
        if (typeof error.code !== 'number') throw thrown;
        return { taken: index - from, error };
      }
      const { topic, slab, rows, partitions } = publication;
      const valueBytes = Math.max(0, slab.valueBytes(rows[index] as number));
      this.#lineOf(topic, partitions[index] as number).push((slot << indexBits) | index, valueBytes);
    }
    return { taken: to - from, error: null };
  }

  /**
   * The client hands over at most a hundred reports in a turn of the event loop, fewer than a turn's messages. While they come in
   * hundreds, they pile up behind new messages, and with them the slabs that they would free.
   */
  async caughtUp(): Promise<void> {
    for (let before = -reportsMax; this.#reported - before >= reportsMax; ) {
      before = this.#reported;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#producer.disconnect(closeMsMax, () => resolve()));
  }

  /** Hands the message to the client's queue; throws what the client throws. */
  #produce({ topic, slab, rows, partitions, keys }: Publication, index: number): void {
    const row = rows[index] as number;
    const key = sendable((keys.get(row) as Buffer | undefined) ?? slab.key(row));
    const headers = toClientHeaders(slab.headers(row));
    this.#producer.produce(topic, partitions[index], sendable(slab.value(row)), key, slab.timestamp(row), undefined, headers);
  }

  #onReport(error: LibrdKafkaError | null, report: DeliveryReport): void {
    const line = this.#lineOf(report.topic, report.partition);
    const tag = line.shift(report.size);
    // An error from within the client may overtake reports of the broker's answers: until the line is empty, none can be believed.
    if (error && !answered.has(error.code)) line.doubt = error;
    const outcome = error ?? line.doubt;
    if (line.count === 0) line.doubt = null;
    this.#reported += 1;
    const slot = tag >>> indexBits;
    if (outcome) this.#reports.failed(slot, tag & (2 ** indexBits - 1), outcome);
    else this.#reports.delivered(slot, 1);
  }

  #lineOf(topic: string, partition: number): ReportLine {
    let lines = this.#lines.get(topic);
    if (!lines) {
      lines = [];
      this.#lines.set(topic, lines);
    }
    lines[partition] ??= new ReportLine();
    return lines[partition];
  }
}

/** An empty Buffer without memory behind it would be sent as null; a view of no bytes is sent as empty. */
const noBytes = Buffer.alloc(1).subarray(1);

function sendable(bytes: Buffer | null): Buffer | null {
  return bytes?.length === 0 ? noBytes : bytes;
}
