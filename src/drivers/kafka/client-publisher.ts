import kafka, { type DeliveryReport, type LibrdKafkaError, type Producer } from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import { connect } from './client-connection.ts';
import { toClientHeaders } from './client-headers.ts';
import { type ClientSettings, createClient, isCompressing, producerSettings, queuedMessagesMax } from './client-settings.ts';
import type { Publication, Publisher, Refusal } from './lane.ts';
import { ReportLine } from './report-line.ts';

export interface ClientPublisherOptions {
  readonly client: ClientSettings;
  /** The largest message that each target topic takes, in bytes (its `max.message.bytes`). */
  readonly messageBytesMax: ReadonlyMap<string, number>;
  readonly log: Log;
  /** Told of every publication that is settled. */
  readonly onPublished?: (topic: string, seconds: number) => void;
  /** Told when messages failed and are sent again. */
  readonly onRetry?: (topic: string, reason: string) => void;
  /** The client gave up for good, outside of any call. */
  readonly onFatal: (error: DataQuarantineError) => void;
}

/** A publication on its way. Every message is open until it is acknowledged or refused for good, sent, failed or not yet sent. */
interface Ticket {
  readonly slot: number;
  /** Counts up with the calls, so that repairs can keep their order. */
  readonly number: number;
  readonly publication: Publication;
  open: number;
  readonly refused: Refusal[];
  readonly settled: Deferred;
}

interface Failure {
  readonly ticket: Ticket;
  readonly index: number;
  readonly error: LibrdKafkaError;
}

const codes = kafka.CODES.ERRORS;
const indexBits = 16;
const ticketsMax = 2 ** 14;
const batchBytesMax = 1_000_000;
const fullQueueWaitMs = 20;
/** What the client hands over in one turn (its callbacks.cc). */
const reportsMax = 100;
const closeMsMax = 2_000;
const retryDelayMsMax = 5_000;

/** Errors that a repetition cannot cure, where the message was alone in its batch. */
const refusals: ReadonlyMap<number, Refusal['reason']> = new Map([
  [codes.ERR_MSG_SIZE_TOO_LARGE, 'too_large'],
  [codes.ERR_RECORD_LIST_TOO_LARGE, 'too_large'],
  [codes.ERR_INVALID_RECORD, 'refused'],
  [codes.ERR_INVALID_TIMESTAMP, 'refused'],
]);
/** Errors that the broker answers with, and that are therefore reported in their place in the line. */
const answered: ReadonlySet<number> = new Set([...refusals.keys(), codes.ERR__INVALID_DIFFERENT_RECORD]);

/**
 * The writing half of the client lane. One publication at a time enters the client's queue. Each message stands in the line of its
 * target partition with a tag that finds its ticket again when its report comes: 14 bits of ticket, 16 bits of index. A publication
 * is settled when every one of its messages is acknowledged or refused for good.
 *
 * What failed otherwise is repaired: the entrance closes, all that is in flight comes home, and the failed messages are sent again
 * in the order of the calls, for as long as it takes. A broker refuses batches and not messages, so what was refused in company is
 * sent once more alone, and only what is refused alone is guilty.
 */
export class ClientPublisher implements Publisher {
  readonly #producer: Producer;
  readonly #options: ClientPublisherOptions;
  readonly #tickets: (Ticket | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #lines = new Map<string, ReportLine[]>();
  #entrance: Promise<unknown> = Promise.resolve();
  #failures: Failure[] = [];
  #repair: Promise<void> | null = null;
  #room: Deferred | null = null;
  #inFlight = 0;
  #reports = 0;
  #closing = false;
  #numberLast = 0;

  private constructor(options: ClientPublisherOptions) {
    this.#options = options;
    const limits = [...options.messageBytesMax.values()];
    const settings = producerSettings(options.client, {
      messageBytesMax: Math.max(...limits),
      batchBytesMax: Math.min(...limits, batchBytesMax),
    });
    this.#producer = createClient(() => new kafka.Producer(settings));
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

  async publish(publication: Publication): Promise<readonly Refusal[]> {
    const { topic, rows } = publication;
    assert(rows.length <= 2 ** indexBits, 'the messages of a publication are numbered by 16 bits');
    if (rows.length === 0) return [];
    const startedMs = performance.now();
    const entered = this.#entrance.then(() => this.#enqueue(publication));
    this.#entrance = entered.catch(() => {});
    const ticket = await entered;
    await ticket.settled.promise;
    this.#options.onPublished?.(topic, (performance.now() - startedMs) / 1_000);
    return ticket.refused;
  }

  /**
   * The client hands over at most a hundred reports in a turn of the event loop, fewer than a turn's messages. While they come in
   * hundreds, they pile up behind new messages, and with them the slabs that they would free.
   */
  async caughtUp(): Promise<void> {
    for (let before = -reportsMax; this.#reports - before >= reportsMax; ) {
      before = this.#reports;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Disconnects. What is still in flight gets two seconds; nobody waits for it any more, and its source is read again. */
  async close(): Promise<void> {
    this.#closing = true;
    await new Promise<void>((resolve) => this.#producer.disconnect(closeMsMax, () => resolve()));
  }

  async #enqueue(publication: Publication): Promise<Ticket> {
    const ticket = this.#takeTicket(publication);
    for (let index = 0; index < publication.rows.length; index++) {
      // Whatever failed before goes first.
      if (this.#repair) await this.#repaired();
      while (!this.#tryProduce(ticket, index)) {
        await this.#waitForReports();
        await this.#repaired();
      }
    }
    return ticket;
  }

  async #repaired(): Promise<void> {
    while (this.#repair) await this.#repair;
  }

  /** False while there is no room. */
  #tryProduce(ticket: Ticket, index: number): boolean {
    if (this.#inFlight >= queuedMessagesMax || this.#closing) return false;
    const { publication } = ticket;
    try {
      this.#produce(publication, index);
    } catch (thrown) {
      const error = thrown as LibrdKafkaError;
      if (error.code === codes.ERR__QUEUE_FULL) return false;
      if (typeof error.code !== 'number') throw thrown;
      // The client itself refused: no other message can have caused it.
      this.#fail({ ticket, index, error }, refusals.get(error.code) ?? null);
      return true;
    }
    const { topic, slab, rows, partitions } = publication;
    const valueBytes = Math.max(0, slab.valueBytes(rows[index] as number));
    this.#lineOf(topic, partitions[index] as number).push((ticket.slot << indexBits) | index, valueBytes);
    this.#inFlight += 1;
    return true;
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
    const ticket = this.#tickets[tag >>> indexBits];
    assert(ticket, 'a delivery report came for a publication that is settled');
    this.#inFlight -= 1;
    this.#reports += 1;
    const index = tag & (2 ** indexBits - 1);
    if (outcome) this.#fail({ ticket, index, error: outcome }, this.#sizeRefusal(ticket.publication, index, outcome));
    else this.#done(ticket);
    if (this.#room && (this.#inFlight === 0 || this.#inFlight < queuedMessagesMax / 2)) this.#wake();
  }

  /** A message that is larger than its topic allows needs no second try, unless it might have been compressed. */
  #sizeRefusal(publication: Publication, index: number, { code }: LibrdKafkaError): Refusal['reason'] | null {
    const limit = this.#options.messageBytesMax.get(publication.topic);
    if (refusals.get(code) !== 'too_large' || limit === undefined || isCompressing(this.#options.client.properties)) return null;
    // Value, key and headers: at least what the message takes in the topic's log.
    return publication.slab.messageBytes(publication.rows[index] as number) > limit ? 'too_large' : null;
  }

  /** Refused for good where `reason` says so; else open to repair. */
  #fail(failure: Failure, reason: Refusal['reason'] | null): void {
    const { ticket, index, error } = failure;
    if (reason) {
      ticket.refused.push({ row: ticket.publication.rows[index] as number, reason, message: error.message });
      this.#done(ticket);
      return;
    }
    if (this.#closing) return;
    this.#failures.push(failure);
    this.#repair ??= this.#repairAll().finally(() => {
      this.#repair = null;
    });
  }

  /** One message of the ticket is settled, and with the last one the ticket. */
  #done(ticket: Ticket): void {
    ticket.open -= 1;
    if (ticket.open > 0) return;
    this.#tickets[ticket.slot] = undefined;
    this.#freeSlots.push(ticket.slot);
    ticket.settled.resolve();
  }

  async #repairAll(): Promise<void> {
    for (let attempt = 1; !this.#closing; attempt++) {
      do await this.#waitForReports();
      while (this.#inFlight > 0);
      const failures = this.#failures.sort((a, b) => a.ticket.number - b.ticket.number || a.index - b.index);
      this.#failures = [];
      if (failures.length === 0) return;
      const others = failures.filter(({ error }) => !refusals.has(error.code));
      if (others.length > 0) await this.#pause(others, attempt);
      for (const failure of failures) {
        if (refusals.has(failure.error.code)) await this.#sendAlone(failure);
        else await this.#sendAgain(failure);
      }
    }
  }

  async #pause(failures: readonly Failure[], attempt: number): Promise<void> {
    const [{ ticket, error }] = failures as [Failure];
    this.#options.onRetry?.(ticket.publication.topic, error.message);
    this.#options.log.warn({ messages: failures.length, code: error.code, attempt }, `kafka producer: ${error.message}; sending again`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(retryDelayMsMax, 100 * 2 ** Math.min(attempt, 6))));
  }

  async #sendAgain({ ticket, index }: Failure): Promise<void> {
    while (!this.#tryProduce(ticket, index)) await this.#waitForReports();
  }

  /** Sends a message with nothing else in flight, so that its batch is its own. Slow, and rare. */
  async #sendAlone(failure: Failure): Promise<void> {
    while (this.#inFlight > 0) await this.#waitForReports();
    const before = this.#failures.length;
    await this.#sendAgain(failure);
    while (this.#inFlight > 0) await this.#waitForReports();
    const [again] = this.#failures.slice(before);
    const reason = again && refusals.get(again.error.code);
    if (!again || !reason) return;
    this.#failures.length = before;
    this.#fail(again, reason);
  }

  /** Ends when reports have made room, or after a moment; never once the publisher closes. */
  async #waitForReports(): Promise<void> {
    if (this.#closing) await new Promise(() => {});
    this.#room ??= createDeferred();
    const timer = setTimeout(() => this.#wake(), fullQueueWaitMs);
    await this.#room.promise;
    clearTimeout(timer);
  }

  #wake(): void {
    this.#room?.resolve();
    this.#room = null;
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

  #takeTicket(publication: Publication): Ticket {
    const slot = this.#freeSlots.pop() ?? this.#tickets.length;
    assert(slot < ticketsMax, `no more than ${ticketsMax} publications are open at once`);
    const number = ++this.#numberLast;
    const ticket: Ticket = { slot, number, publication, open: publication.rows.length, refused: [], settled: createDeferred() };
    this.#tickets[slot] = ticket;
    return ticket;
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
