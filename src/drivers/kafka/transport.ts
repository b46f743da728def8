import type { Publication } from './lane.ts';

/** An error of librdkafka's, by its code. */
export interface ClientError {
  readonly code: number;
  readonly message: string;
}

export interface Sent {
  /** How many messages the client's queue took. */
  readonly taken: number;
  /** Why the next one was not taken, null if none was left. */
  readonly error: ClientError | null;
}

/** Who hears what became of messages. Never called from within `send`. */
export interface Reports {
  delivered(slot: number, count: number): void;
  failed(slot: number, index: number, error: ClientError): void;
}

/**
 * The way of messages to the client's queue and of their reports back: what differs between the lanes. A publication is known by
 * its slot, a message by its index in the publication.
 */
export interface Transport {
  connect(): Promise<void>;
  /** Hands over the messages `from` to `to`, in order, and stops at the first that is not taken. It never waits. */
  send(slot: number, publication: Publication, from: number, to: number): Sent;
  /** Ends when no crowd of reports is waiting to be read. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}
