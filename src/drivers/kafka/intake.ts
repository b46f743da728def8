import type { Slab } from '../../model/slab.ts';
import type { Assignment, HeldPartition } from './assignment.ts';
import type { ClientConsumer } from './client-consumer.ts';
import type { ClientError } from './transport.ts';

/** What an intake knows of the group's member that it works for. */
export interface Membership {
  readonly topics: readonly string[];
  readonly assignment: Assignment;
  readonly consumer: ClientConsumer;
  /** Takes nothing more of the partition from this offset on; `reason` says what is wrong with the message there. */
  readonly stop: (held: HeldPartition, offset: number, reason: string) => void;
  /** Hears an error that came in the place of messages; throws when the client gave up for good. */
  readonly onError: (error: ClientError) => void;
}

/** The way of messages from the client into slabs: what differs between the lanes. One call of `fill` or `poll` is under way at a time. */
export interface Intake {
  /** Bytes of the next message that did not fit a slab, null if there is none. */
  readonly carriedBytes: number | null;
  /** The partition is held from now on, or no more: what is carried of it is then left out. Not while a call is under way. */
  held(partition: HeldPartition): void;
  fill(slab: Slab, waitMs: number): Promise<number>;
  /** Lets the client be heard; a message that comes all the same is carried. */
  poll(waitMs: number): Promise<void>;
  /** Lets go of the client before it disconnects. */
  close(): void;
  /** Forgets the client once it has disconnected. */
  closed(): void;
}

/** How long an intake waits after an error, so that its loop does not spin: an erring client answers at once. */
export const errorPauseMs = 100;
