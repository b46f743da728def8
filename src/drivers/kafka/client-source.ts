import kafka, {
  type Message as ClientMessage,
  type TopicPartition as ClientPartition,
  type KafkaConsumer,
  type LibrdKafkaError,
} from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Watermark } from '../../model/delivery.ts';
import type { Header } from '../../model/header.ts';
import { Slab } from '../../model/slab.ts';
import type { Log } from '../../observe/log.ts';
import { Assignment, type HeldPartition } from './assignment.ts';
import { connect } from './client-connection.ts';
import { fromClientHeaders } from './client-headers.ts';
import { type ClientSettings, consumerSettings, createClient } from './client-settings.ts';
import { ConsumeSize } from './consume-size.ts';
import type { Rebalance, Source, TopicPartition } from './lane.ts';
import { readStatistics, type Statistics } from './statistics.ts';

export interface ClientSourceOptions {
  readonly client: ClientSettings;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Pass on header names that the client may have altered (bytes that are not UTF-8) instead of stopping their partition. */
  readonly lossyHeaders: boolean;
  readonly log: Log;
  /** Told every second how far behind the held partitions are, and whether a broker is there. */
  readonly onStatistics: (statistics: Statistics) => void;
  readonly onCommitted: (result: 'ok' | 'error') => void;
  /** Told once when a partition must stop because the lane cannot carry a message unchanged. */
  readonly onStopped: (partition: TopicPartition, error: DataQuarantineError) => void;
  /** The client gave up for good, outside of any call. */
  readonly onFatal: (error: DataQuarantineError) => void;
}

/** What the client has and its types do not say. */
interface ClientConsumer extends KafkaConsumer {
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void;
  rebalanceProtocol(): 'NONE' | 'EAGER' | 'COOPERATIVE';
  incrementalAssign(partitions: readonly TopicPartition[]): this;
  incrementalUnassign(partitions: readonly TopicPartition[]): this;
  assignmentLost(): boolean;
}

interface Carried {
  readonly message: ClientMessage;
  readonly headers: readonly Header[];
  readonly held: HeldPartition;
}

const codes = kafka.CODES.ERRORS;
const closeMsMax = 4_000;

/**
 * The reading half of the client lane: the official client's rdkafka-style consumer with a loop of our own.
 *
 * It knows the partitions held, each with an epoch that no other assignment of this process ever had, and the messages that were
 * consumed but did not fit a slab. The rebalance callback only queues; `answer` tells the client. While the source closes, the
 * queue is answered inline, because the client waits for the last unassign inside `disconnect`.
 */
export class ClientSource implements Source {
  readonly topics: readonly string[];
  readonly #consumer: ClientConsumer;
  readonly #options: ClientSourceOptions;
  readonly #assignment: Assignment;
  readonly #size = new ConsumeSize();
  #carried: Carried[] = [];
  #carriedHead = 0;
  readonly #rebalances: Rebalance[] = [];
  #rebalanceWaiter: Deferred | null = null;
  #paused = false;
  #closing = false;
  #consuming = false;
  #committing = false;
  #commitAgain = false;

  private constructor(options: ClientSourceOptions) {
    this.#options = options;
    this.topics = options.topics;
    this.#assignment = new Assignment(options.topics);
    const settings = {
      ...consumerSettings(options.client, options.groupId),
      rebalance_cb: (error: LibrdKafkaError, partitions: ClientPartition[]) => this.#queueRebalance(error, partitions),
      offset_commit_cb: true,
    };
    this.#consumer = createClient(() => new kafka.KafkaConsumer(settings) as ClientConsumer);
    this.#consumer.setDefaultIsTimeoutOnlyForFirstMessage(true);
    this.#consumer.on('event.error', (error: LibrdKafkaError) => this.#onError(error));
    this.#consumer.on('event.stats', (event: { message: string }) => this.#onStatistics(event.message));
    this.#consumer.on('offset.commit', (error: LibrdKafkaError | null) => this.#onCommitted(error));
  }

  /** Connects and subscribes. Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  static async open(options: ClientSourceOptions): Promise<ClientSource> {
    const source = new ClientSource(options);
    await connect(source.#consumer, options.client.brokers);
    source.#consumer.subscribe([...options.topics]);
    return source;
  }

  get rebalancePending(): boolean {
    return this.#rebalances.length > 0;
  }

  get carriedBytes(): number | null {
    const next = this.#carried[this.#carriedHead];
    return next ? Slab.bytesOf({ value: next.message.value, key: next.message.key as Buffer | null, headers: next.headers }) : null;
  }

  async rebalanced(): Promise<void> {
    if (this.#rebalances.length > 0) return;
    this.#rebalanceWaiter ??= createDeferred();
    await this.#rebalanceWaiter.promise;
  }

  nextRebalance(): Rebalance | null {
    return this.#rebalances.shift() ?? null;
  }

  answer(rebalance: Rebalance): void {
    const partitions = rebalance.partitions.map((partition) => ({ ...partition }));
    const cooperative = this.#consumer.rebalanceProtocol() === 'COOPERATIVE';
    if (rebalance.kind === 'assign') {
      for (const partition of partitions) this.#assignment.add(partition);
      if (cooperative) this.#consumer.incrementalAssign(partitions);
      else this.#consumer.assign(partitions);
      // A pause outlives an assignment in librdkafka, so every assignment says anew what it is.
      if (partitions.length > 0 && this.#paused) this.#consumer.pause(partitions);
      if (partitions.length > 0 && !this.#paused) this.#consumer.resume(partitions);
    } else {
      for (const partition of partitions) this.#assignment.remove(partition);
      if (cooperative) this.#consumer.incrementalUnassign(partitions);
      else this.#consumer.unassign();
    }
  }

  epochOf(topic: string, partition: number): number | null {
    return this.#assignment.find(topic, partition)?.epoch ?? null;
  }

  async fill(slab: Slab, waitMs: number): Promise<number> {
    let appended = this.#appendCarried(slab);
    if (this.#carriedHead < this.#carried.length) return appended;
    for (const message of await this.#consume(this.#size.next, waitMs)) this.#carry(message);
    appended += this.#appendCarried(slab);
    return appended;
  }

  storeOffsets(watermarks: readonly Watermark[]): void {
    const current = watermarks.filter(({ topic, partition, epoch }) => this.epochOf(topic, partition) === epoch);
    if (current.length === 0) return;
    try {
      this.#consumer.offsetsStore(current.map(({ topic, partition, offsetNext }) => ({ topic, partition, offset: offsetNext })));
    } catch (error) {
      // The client refuses partitions that the group took away a moment ago; their next owner reads these messages again.
      if ((error as LibrdKafkaError).code !== codes.ERR__STATE) throw error;
    }
  }

  commitStored(): void {
    if (this.#committing) {
      this.#commitAgain = true;
      return;
    }
    try {
      this.#committing = true;
      // Without an argument the client commits what is stored; its types do not say so.
      (this.#consumer.commit as () => void).call(this.#consumer);
    } catch (error) {
      this.#committing = false;
      if ((error as LibrdKafkaError).code !== codes.ERR__NO_OFFSET) throw error;
    }
  }

  async idle(waitMs: number): Promise<void> {
    const held = this.#assignment.all();
    if (!this.#paused && held.length > 0) {
      this.#consumer.pause(held.map(partitionOf));
      this.#paused = true;
    }
    // A paused partition may still hand over what was already on its way.
    for (const message of await this.#consume(1, waitMs)) this.#carry(message);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const held = this.#assignment.all().filter(({ isStopped }) => !isStopped);
    if (held.length > 0) this.#consumer.resume(held.map(partitionOf));
  }

  /** Leaves the group; the client commits what is stored on its way out. A broker that does not answer is left after four seconds. */
  async close(): Promise<void> {
    assert(!this.#consuming, 'the source was closed with a consume in flight');
    this.#closing = true;
    if (this.#rebalances.splice(0).length > 0) this.#consumer.unassign();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, closeMsMax);
      this.#consumer.disconnect(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #queueRebalance(error: LibrdKafkaError, clientPartitions: ClientPartition[]): void {
    // While it closes the client takes no assignment any more, and an unassign answers either kind.
    if (this.#closing) {
      this.#consumer.unassign();
      return;
    }
    const kind = error.code === codes.ERR__ASSIGN_PARTITIONS ? 'assign' : 'revoke';
    const partitions = clientPartitions.map(({ topic, partition }) => ({ topic, partition }));
    const rebalance: Rebalance = { kind, partitions, lost: kind === 'revoke' && this.#consumer.assignmentLost() };
    this.#rebalances.push(rebalance);
    this.#rebalanceWaiter?.resolve();
    this.#rebalanceWaiter = null;
  }

  async #consume(count: number, waitMs: number): Promise<ClientMessage[]> {
    assert(!this.#consuming, 'two consumes were in flight');
    this.#consuming = true;
    this.#consumer.setDefaultConsumeTimeout(waitMs);
    const before = performance.eventLoopUtilization();
    try {
      return await new Promise<ClientMessage[]>((resolve, reject) => {
        this.#consumer.consume(count, (error: LibrdKafkaError | null, messages?: ClientMessage[]) => {
          if (error) {
            this.#onError(error);
            if (error.code === codes.ERR__FATAL) return reject(fatalError(error));
            // An erring client answers at once; the loop must not spin on it.
            setTimeout(() => resolve([]), 100);
            return;
          }
          if (count > 1) this.#size.learn(count, messages?.length ?? 0, performance.eventLoopUtilization(before).idle);
          resolve(messages ?? []);
        });
      });
    } finally {
      this.#consuming = false;
    }
  }

  /** Puts a message behind those that are carried, or leaves it out because it is not ours to take. */
  #carry(message: ClientMessage): void {
    const held = this.#assignment.find(message.topic, message.partition);
    // Messages of a partition that was given back can still arrive; its owner has them too.
    if (!held || held.isStopped) return;
    const headers = fromClientHeaders(message.headers);
    const altered = this.#options.lossyHeaders ? undefined : headers.find(({ name }) => name.includes('\uFFFD'));
    if (altered) this.#stop(held, message.offset);
    else this.#carried.push({ message, headers, held });
  }

  #stop(held: HeldPartition, offset: number): void {
    const { topic, partition } = held;
    held.isStopped = true;
    this.#consumer.pause([{ topic, partition }]);
    this.#options.onStopped(
      { topic, partition },
      new DataQuarantineError(
        'DQ_KAFKA_HEADER_LOST',
        `${topic}/${partition} stops before offset ${offset}: a header name there is not UTF-8, and the client lane would alter it. ` +
          'Use the native lane (kafka.lane: native), or accept the altered name with kafka.lossyHeaders: true.',
      ),
    );
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

  #onError(error: LibrdKafkaError): void {
    if (error.code === codes.ERR__FATAL) this.#options.onFatal(fatalError(error));
    else this.#options.log.warn({ code: error.code }, `kafka consumer: ${error.message}`);
  }

  /** The client goes on to report partitions that it no longer holds. */
  #onStatistics(json: string): void {
    const { lag, connected } = readStatistics(json, this.topics);
    this.#options.onStatistics({ lag: lag.filter(({ topic, partition }) => this.epochOf(topic, partition) !== null), connected });
  }

  #onCommitted(error: LibrdKafkaError | null): void {
    this.#committing = false;
    if (error && error.code !== codes.ERR__NO_OFFSET) {
      this.#options.onCommitted('error');
      this.#options.log.warn({ code: error.code }, `kafka commit: ${error.message}; the client commits again within a second`);
    } else if (!error) this.#options.onCommitted('ok');
    if (this.#commitAgain && !this.#closing) {
      this.#commitAgain = false;
      this.commitStored();
    }
  }
}

function fatalError(error: LibrdKafkaError): DataQuarantineError {
  return new DataQuarantineError('DQ_KAFKA_FATAL', `the Kafka client gave up: ${error.message}`, { cause: error });
}

/** What the client takes: it looks at every field that it finds. */
function partitionOf({ topic, partition }: HeldPartition): TopicPartition {
  return { topic, partition };
}
