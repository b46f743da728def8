import type { Message as ClientMessage, LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';
import type { Header } from '../../model/header.ts';
import { Slab } from '../../model/slab.ts';
import type { HeldPartition } from './assignment.ts';
import { fromClientHeaders } from './client-headers.ts';
import { ConsumeSize } from './consume-size.ts';
import { errorPauseMs, type Intake, type Membership } from './intake.ts';

interface Carried {
  readonly message: ClientMessage;
  readonly headers: readonly Header[];
  readonly held: HeldPartition;
}

/** Messages through the client's own `consume`: an object and a Buffer each, copied into the slab. */
export class ClientIntake implements Intake {
  readonly #membership: Membership;
  readonly #lossyHeaders: boolean;
  readonly #size = new ConsumeSize();
  #carried: Carried[] = [];
  #carriedHead = 0;
  #consuming = false;

  constructor(membership: Membership, options: { readonly lossyHeaders: boolean }) {
    this.#membership = membership;
    this.#lossyHeaders = options.lossyHeaders;
    membership.consumer.setDefaultIsTimeoutOnlyForFirstMessage(true);
  }

  get carriedBytes(): number | null {
    const next = this.#carried[this.#carriedHead];
    return next ? Slab.bytesOf({ value: next.message.value, key: next.message.key as Buffer | null, headers: next.headers }) : null;
  }

  /** What is carried knows its partition, and that knows whether it is held. */
  held(): void {}

  async fill(slab: Slab, waitMs: number): Promise<number> {
    let appended = this.#appendCarried(slab);
    if (this.#carriedHead < this.#carried.length) return appended;
    for (const message of await this.#consume(this.#size.next, waitMs)) this.#carry(message);
    appended += this.#appendCarried(slab);
    return appended;
  }

  async poll(waitMs: number): Promise<void> {
    for (const message of await this.#consume(1, waitMs)) this.#carry(message);
  }

  close(): void {
    assert(!this.#consuming, 'the source was closed with a consume in flight');
  }

  closed(): void {}

  async #consume(count: number, waitMs: number): Promise<ClientMessage[]> {
    assert(!this.#consuming, 'two consumes were in flight');
    const { consumer, onError } = this.#membership;
    this.#consuming = true;
    consumer.setDefaultConsumeTimeout(waitMs);
    const before = performance.eventLoopUtilization();
    try {
      const { error, messages } = await this.#call(count);
      if (error) {
        onError(error);
        await new Promise((resolve) => setTimeout(resolve, errorPauseMs));
      } else if (count > 1) this.#size.learn(count, messages.length, performance.eventLoopUtilization(before).idle);
      return messages;
    } finally {
      this.#consuming = false;
    }
  }

  #call(count: number): Promise<{ error: LibrdKafkaError | null; messages: ClientMessage[] }> {
    return new Promise((resolve) => {
      this.#membership.consumer.consume(count, (error: LibrdKafkaError | null, messages: ClientMessage[] = []) =>
        resolve({ error, messages }),
      );
    });
  }

  /** Puts a message behind those that are carried, or leaves it out because it is not ours to take. */
  #carry(message: ClientMessage): void {
    const held = this.#membership.assignment.find(message.topic, message.partition);
    // Messages of a partition that was given back can still arrive; its owner has them too.
    if (!held || held.isStopped) return;
    const headers = fromClientHeaders(message.headers);
    const altered = this.#lossyHeaders ? undefined : headers.find(({ name }) => name.includes('\uFFFD'));
    if (altered) {
      this.#membership.stop(
        held,
        message.offset,
        'a header name there is not UTF-8, and the client lane would alter it. ' +
          'Use the native lane (kafka.lane: native), or accept the altered name with kafka.lossyHeaders: true.',
      );
    } else this.#carried.push({ message, headers, held });
  }

  #appendCarried(slab: Slab): number {
    let appended = 0;
    for (let next = this.#carried[this.#carriedHead]; next; next = this.#carried[this.#carriedHead]) {
      const { message, headers, held } = next;
      if (held.isHeld) {
        const { value, offset, partition, timestamp = -1 } = message;
        const key = message.key as Buffer | null;
        const { topicIndex: topic, epoch } = held;
        if (!slab.append({ offset, timestamp, partition, topic, epoch, value, key, headers })) return appended;
        appended += 1;
      }
      this.#carriedHead += 1;
    }
    this.#carried = [];
    this.#carriedHead = 0;
    return appended;
  }
}
