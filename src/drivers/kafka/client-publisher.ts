import kafka, { type DeliveryReport, type LibrdKafkaError, type Producer } from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import { toClientHeaders } from './client-headers.ts';
import { type ClientSettings, producerSettings, queuedMessagesMax } from './client-settings.ts';
import { connect } from './client-source.ts';
import type { OutgoingRecord, Publisher, Refusal, SlabPublication } from './lane.ts';
import { ReportLine } from './report-line.ts';

export interface ClientPublisherOptions {
  readonly client: ClientSettings;
  /** The largest message that any target topic takes, in bytes. */
  readonly messageBytesMax: number;
  /** The smallest limit of any target topic: a batch of the client must fit the topic as a whole. */
  readonly batchBytesMax: number;
  readonly log: Log;
  /** The client gave up for good, outside of any call. */
  readonly onFatal: (error: DataQuarantineError) => void;
}

/** The messages of a publication, each by its index. */
interface Publication {
  readonly topic: string;
  readonly count: number;
  partition(index: number): number;
  valueBytes(index: number): number;
  /** Hands the message to the client's queue; throws what the client throws. */
  produce(index: number): void;
}

interface Failure {
  readonly index: number;
  readonly error: LibrdKafkaError;
  /** Nothing else can have caused it: the client itself refused the message, or its batch held no other. */
  readonly alone: boolean;
}

/** A publication on its way: how many acknowledgements are still out, and which messages came back. */
interface Ticket {
  readonly slot: number;
  open: number;
  enqueued: boolean;
  readonly failed: Failure[];
  readonly settled: Deferred;
}

const codes = kafka.CODES.ERRORS;
const indexBits = 16;
const ticketsMax = 2 ** 14;
const fullQueueWaitMs = 20;
const closeMsMax = 2_000;
const retryDelayMsMax = 5_000;

/** Errors that a repetition cannot cure, where the message was alone in its batch. */
const refusals: ReadonlyMap<number, Refusal['reason']> = new Map([
  [codes.ERR_MSG_SIZE_TOO_LARGE, 'too_large'],
  [codes.ERR_RECORD_LIST_TOO_LARGE, 'too_large'],
  [codes.ERR_INVALID_RECORD, 'refused'],
  [codes.ERR_INVALID_TIMESTAMP, 'refused'],
]);

/**
 * The writing half of the client lane. One publication at a time enters the client's queue. Each message stands in the line of its
 * target partition with a tag that finds its ticket again when its report comes: 14 bits of ticket, 16 bits of index. A publication
 * is settled when every one of its
 * messages is acknowledged or refused for good; what failed otherwise is sent again, with a growing pause. What was refused among
 * others is sent once more alone, because the broker refuses batches and not messages.
 */
export class ClientPublisher implements Publisher {
  readonly #producer: Producer;
  readonly #options: ClientPublisherOptions;
  readonly #tickets: (Ticket | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #lines = new Map<string, ReportLine[]>();
  #entrance: Promise<unknown> = Promise.resolve();
  #room: Deferred | null = null;
  #inFlight = 0;

  private constructor(options: ClientPublisherOptions) {
    this.#options = options;
    this.#producer = new kafka.Producer(producerSettings(options.client, options));
    this.#producer.on('delivery-report', (error: LibrdKafkaError | null, report: DeliveryReport) => this.#onReport(error, report));
    this.#producer.on('event.error', (error: LibrdKafkaError) => this.#onError(error));
  }

  /** Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  static async open(options: ClientPublisherOptions): Promise<ClientPublisher> {
    const publisher = new ClientPublisher(options);
    await connect(publisher.#producer, options.client.brokers);
    // Reports are collected on a thread of the client's, so they do not wait for a timer of ours.
    publisher.#producer.setPollInBackground(true);
    return publisher;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  async publishSlab({ topic, slab, rows, partitions, keys }: SlabPublication): Promise<readonly Refusal[]> {
    const refused = await this.#publish({
      topic,
      count: rows.length,
      partition: (index) => partitions[index] as number,
      valueBytes: (index) => Math.max(0, slab.valueBytes(rows[index] as number)),
      produce: (index) => {
        const row = rows[index] as number;
        const key = sendable((keys.get(row) as Buffer | undefined) ?? slab.key(row));
        const headers = toClientHeaders(slab.headers(row));
        this.#producer.produce(topic, partitions[index], slab.value(row), key, slab.timestamp(row), undefined, headers);
      },
    });
    return refused.map((refusal) => ({ ...refusal, row: rows[refusal.row] as number }));
  }

  publishRecords(topic: string, records: readonly OutgoingRecord[]): Promise<readonly Refusal[]> {
    const record = (index: number) => records[index] as OutgoingRecord;
    return this.#publish({
      topic,
      count: records.length,
      partition: (index) => record(index).partition,
      valueBytes: (index) => record(index).value?.length ?? 0,
      produce: (index) => {
        const { partition, value, key, timestamp, headers } = record(index);
        this.#producer.produce(topic, partition, sendable(value), sendable(key), timestamp, undefined, toClientHeaders(headers));
      },
    });
  }

  /** Disconnects. What is still in flight gets two seconds; nobody waits for it any more, and its source is read again. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#producer.disconnect(closeMsMax, () => resolve()));
  }

  async #publish(publication: Publication): Promise<readonly Refusal[]> {
    const refused: Refusal[] = [];
    let failed = await this.#send(publication, everyIndex(publication.count));
    for (let attempt = 1; failed.length > 0; attempt++) {
      const again: number[] = [];
      // A batch is refused as a whole, the innocent with the guilty: only what is refused alone is guilty.
      for (const { index, error, alone } of await this.#isolate(publication, failed)) {
        const reason = refusals.get(error.code);
        if (reason && alone) refused.push({ row: index, reason, message: error.message });
        else again.push(index);
      }
      if (again.length === 0) break;
      this.#options.log.warn(
        { messages: again.length, code: failed[0]?.error.code, attempt },
        `kafka producer: ${failed[0]?.error.message}; sending again`,
      );
      await new Promise((resolve) => setTimeout(resolve, Math.min(retryDelayMsMax, 100 * 2 ** Math.min(attempt, 6))));
      again.sort((a, b) => a - b);
      failed = await this.#send(publication, again);
    }
    return refused;
  }

  /** Sends again, each alone, what was refused in company. */
  async #isolate(publication: Publication, failed: readonly Failure[]): Promise<readonly Failure[]> {
    const suspects = failed.filter(({ error, alone }) => refusals.has(error.code) && !alone);
    if (suspects.length === 0) return failed;
    const others = failed.filter((failure) => !suspects.includes(failure));
    return [...others, ...(await this.#sendAlone(publication, suspects))];
  }

  /** Waits for its turn, hands the messages to the client in order, and resolves to those that failed once all are reported on. */
  async #send(publication: Publication, indexes: Iterable<number>): Promise<readonly Failure[]> {
    const ticket = await this.#inTurn(() => this.#enqueue(publication, indexes));
    await ticket.settled.promise;
    return ticket.failed;
  }

  /** Sends each message with nothing else in flight, so that its batch is its own. Slow, and rare. */
  async #sendAlone(publication: Publication, suspects: readonly Failure[]): Promise<readonly Failure[]> {
    return this.#inTurn(async () => {
      const failed: Failure[] = [];
      while (this.#inFlight > 0) await this.#waitForRoom();
      for (const { index } of suspects) {
        const ticket = await this.#enqueue(publication, [index]);
        await ticket.settled.promise;
        for (const failure of ticket.failed) failed.push({ ...failure, alone: true });
      }
      return failed;
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#entrance.then(work);
    this.#entrance = result.catch(() => {});
    return result;
  }

  async #enqueue(publication: Publication, indexes: Iterable<number>): Promise<Ticket> {
    const ticket = this.#takeTicket();
    for (const index of indexes) {
      while (!this.#tryProduce(ticket, publication, index)) await this.#waitForRoom();
    }
    ticket.enqueued = true;
    this.#settleWhenDone(ticket);
    return ticket;
  }

  #tryProduce(ticket: Ticket, publication: Publication, index: number): boolean {
    if (this.#inFlight >= queuedMessagesMax) return false;
    try {
      publication.produce(index);
    } catch (thrown) {
      const error = thrown as LibrdKafkaError;
      if (error.code === codes.ERR__QUEUE_FULL) return false;
      if (typeof error.code !== 'number') throw thrown;
      ticket.failed.push({ index, error, alone: true });
      return true;
    }
    this.#lineOf(publication.topic, publication.partition(index)).push((ticket.slot << indexBits) | index, publication.valueBytes(index));
    ticket.open += 1;
    this.#inFlight += 1;
    return true;
  }

  #lineOf(topic: string, partition: number): ReportLine {
    let lines = this.#lines.get(topic);
    if (!lines) this.#lines.set(topic, (lines = []));
    return (lines[partition] ??= new ReportLine());
  }

  async #waitForRoom(): Promise<void> {
    this.#room ??= createDeferred();
    const timer = setTimeout(() => this.#wake(), fullQueueWaitMs);
    await this.#room.promise;
    clearTimeout(timer);
  }

  #wake(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  #takeTicket(): Ticket {
    const slot = this.#freeSlots.pop() ?? this.#tickets.length;
    assert(slot < ticketsMax, `no more than ${ticketsMax} publications are open at once`);
    const ticket: Ticket = { slot, open: 0, enqueued: false, failed: [], settled: createDeferred() };
    this.#tickets[slot] = ticket;
    return ticket;
  }

  #onReport(error: LibrdKafkaError | null, report: DeliveryReport): void {
    const tag = this.#lineOf(report.topic, report.partition).shift(report.size);
    const ticket = this.#tickets[tag >>> indexBits];
    assert(ticket, 'a delivery report came for a publication that is settled');
    ticket.open -= 1;
    this.#inFlight -= 1;
    if (error) ticket.failed.push({ index: tag & (2 ** indexBits - 1), error, alone: false });
    if (ticket.open === 0) this.#settleWhenDone(ticket);
    if (this.#room && this.#inFlight < queuedMessagesMax / 2) this.#wake();
  }

  #settleWhenDone(ticket: Ticket): void {
    if (ticket.open > 0 || !ticket.enqueued) return;
    this.#tickets[ticket.slot] = undefined;
    this.#freeSlots.push(ticket.slot);
    ticket.settled.resolve();
  }

  #onError(error: LibrdKafkaError): void {
    if (error.code === codes.ERR__FATAL) {
      this.#options.onFatal(new DataQuarantineError('DQ_KAFKA_FATAL', `the Kafka producer gave up: ${error.message}`, { cause: error }));
    } else this.#options.log.warn({ code: error.code }, `kafka producer: ${error.message}`);
  }
}

/** An empty Buffer without memory behind it would be sent as null; a view of no bytes is sent as empty. */
const noBytes = Buffer.alloc(1).subarray(1);

function sendable(bytes: Buffer | null): Buffer | null {
  return bytes?.length === 0 ? noBytes : bytes;
}

function* everyIndex(count: number): Iterable<number> {
  for (let index = 0; index < count; index++) yield index;
}
