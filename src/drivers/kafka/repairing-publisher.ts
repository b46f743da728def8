import kafka from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import { type ClientSettings, isCompressing, queuedMessagesMax } from './client-settings.ts';
import type { Publication, Publisher, Refusal } from './lane.ts';
import type { ClientError, Reports, Transport } from './transport.ts';

export interface PublisherOptions {
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
  readonly error: ClientError;
}

const codes = kafka.CODES.ERRORS;
const messagesMax = 2 ** 16;
const ticketsMax = 2 ** 14;
const fullQueueWaitMs = 20;
const retryDelayMsMax = 5_000;
const batchBytesMax = 1_000_000;
/** What is in flight gets this long at the end. */
export const closeMsMax = 2_000;

/** Errors that a repetition cannot cure, where the message was alone in its batch. */
export const refusals: ReadonlyMap<number, Refusal['reason']> = new Map([
  [codes.ERR_MSG_SIZE_TOO_LARGE, 'too_large'],
  [codes.ERR_RECORD_LIST_TOO_LARGE, 'too_large'],
  [codes.ERR_INVALID_RECORD, 'refused'],
  [codes.ERR_INVALID_TIMESTAMP, 'refused'],
]);

/**
 * The writing half of a lane, whatever way the bytes take. One publication at a time enters the client's queue; it is settled when
 * every one of its messages is acknowledged or refused for good.
 *
 * What failed otherwise is repaired: the entrance closes, all that is in flight comes home, and the failed messages are sent again
 * in the order of the calls, for as long as it takes. A broker refuses batches and not messages, so what was refused in company is
 * sent once more alone, and only what is refused alone is guilty.
 */
export class RepairingPublisher implements Publisher {
  readonly #transport: Transport;
  readonly #options: PublisherOptions;
  readonly #tickets: (Ticket | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #entrance: Promise<unknown> = Promise.resolve();
  #failures: Failure[] = [];
  #repair: Promise<void> | null = null;
  #room: Deferred | null = null;
  #inFlight = 0;
  #closing = false;
  #numberLast = 0;

  protected constructor(options: PublisherOptions, createTransport: (reports: Reports) => Transport) {
    this.#options = options;
    this.#transport = createTransport({
      delivered: (slot, count) => this.#onDelivered(slot, count),
      failed: (slot, index, error) => this.#onFailed(slot, index, error),
    });
  }

  /** Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  protected connect(): Promise<void> {
    return this.#transport.connect();
  }

  async publish(publication: Publication): Promise<readonly Refusal[]> {
    const { topic, rows } = publication;
    assert(rows.length <= messagesMax, 'the messages of a publication are numbered by 16 bits');
    if (rows.length === 0) return [];
    const startedMs = performance.now();
    const entered = this.#entrance.then(() => this.#enqueue(publication));
    this.#entrance = entered.catch(() => {});
    const ticket = await entered;
    await ticket.settled.promise;
    this.#options.onPublished?.(topic, (performance.now() - startedMs) / 1_000);
    return ticket.refused;
  }

  caughtUp(): Promise<void> {
    return this.#transport.caughtUp();
  }

  /** Disconnects. What is still in flight gets two seconds; nobody waits for it any more, and its source is read again. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#transport.close();
  }

  async #enqueue(publication: Publication): Promise<Ticket> {
    const ticket = this.#takeTicket(publication);
    const count = publication.rows.length;
    for (let next = 0; next < count; ) {
      // Whatever failed before goes first.
      if (this.#repair) await this.#repaired();
      next += this.#send(ticket, next, count);
      if (next === count || this.#repair) continue;
      await this.#waitForReports();
    }
    return ticket;
  }

  async #repaired(): Promise<void> {
    while (this.#repair) await this.#repair;
  }

  /** Hands over as many as there is room for; returns how many need no further call. */
  #send(ticket: Ticket, from: number, to: number): number {
    const room = queuedMessagesMax - this.#inFlight;
    if (room <= 0 || this.#closing) return 0;
    const { taken, error } = this.#transport.send(ticket.slot, ticket.publication, from, Math.min(to, from + room));
    this.#inFlight += taken;
    if (!error || error.code === codes.ERR__QUEUE_FULL) return taken;
    // The client itself refused: no other message can have caused it.
    this.#fail({ ticket, index: from + taken, error }, refusals.get(error.code) ?? null);
    return taken + 1;
  }

  #onDelivered(slot: number, count: number): void {
    const ticket = this.#ticketOf(slot);
    this.#inFlight -= count;
    this.#done(ticket, count);
    this.#makeRoom();
  }

  #onFailed(slot: number, index: number, error: ClientError): void {
    const ticket = this.#ticketOf(slot);
    this.#inFlight -= 1;
    this.#fail({ ticket, index, error }, this.#sizeRefusal(ticket.publication, index, error));
    this.#makeRoom();
  }

  #ticketOf(slot: number): Ticket {
    const ticket = this.#tickets[slot];
    assert(ticket, 'a delivery report came for a publication that is settled');
    return ticket;
  }

  #makeRoom(): void {
    if (this.#room && (this.#inFlight === 0 || this.#inFlight < queuedMessagesMax / 2)) this.#wake();
  }

  /** A message that is larger than its topic allows needs no second try, unless it might have been compressed. */
  #sizeRefusal({ topic, slab, rows }: Publication, index: number, { code }: ClientError): Refusal['reason'] | null {
    const limit = this.#options.messageBytesMax.get(topic);
    if (refusals.get(code) !== 'too_large' || limit === undefined || isCompressing(this.#options.client.properties)) return null;
    // Value, key and headers: at least what the message takes in the topic's log, as long as nothing is compressed.
    return slab.messageBytes(rows[index] as number) > limit ? 'too_large' : null;
  }

  /** Refused for good where `reason` says so; else open to repair. */
  #fail(failure: Failure, reason: Refusal['reason'] | null): void {
    const { ticket, index, error } = failure;
    if (reason) {
      ticket.refused.push({ row: ticket.publication.rows[index] as number, reason, message: error.message });
      this.#done(ticket, 1);
      return;
    }
    if (this.#closing) return;
    this.#failures.push(failure);
    this.#repair ??= this.#repairAll().finally(() => {
      this.#repair = null;
    });
  }

  /** So many messages of the ticket are settled, and with the last one the ticket. */
  #done(ticket: Ticket, count: number): void {
    ticket.open -= count;
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
    while (this.#send(ticket, index, index + 1) === 0) await this.#waitForReports();
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

  #takeTicket(publication: Publication): Ticket {
    const slot = this.#freeSlots.pop() ?? this.#tickets.length;
    assert(slot < ticketsMax, `no more than ${ticketsMax} publications are open at once`);
    const number = ++this.#numberLast;
    const ticket: Ticket = { slot, number, publication, open: publication.rows.length, refused: [], settled: createDeferred() };
    this.#tickets[slot] = ticket;
    return ticket;
  }
}

/** What the producer's own limits follow from: a batch must fit the smallest topic, a message the largest. */
export function batchLimits({ messageBytesMax }: PublisherOptions): { messageBytesMax: number; batchBytesMax: number } {
  const limits = [...messageBytesMax.values()];
  return { messageBytesMax: Math.max(...limits), batchBytesMax: Math.min(...limits, batchBytesMax) };
}

/** Hears what a producer reports outside of any call. */
export function onProducerError({ log, onFatal }: PublisherOptions, error: ClientError): void {
  if (error.code === codes.ERR__FATAL) {
    onFatal(new DataQuarantineError('DQ_KAFKA_FATAL', `the Kafka producer gave up: ${error.message}`, { cause: error }));
  } else log.warn({ code: error.code }, `kafka producer: ${error.message}`);
}
