import kafka, { type TopicPartition as ClientPartition, type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import type { Watermark } from '../../model/delivery.ts';
import type { Slab } from '../../model/slab.ts';
import type { Log } from '../../observe/log.ts';
import { Assignment, type HeldPartition } from './assignment.ts';
import { connect } from './client-connection.ts';
import type { ClientConsumer } from './client-consumer.ts';
import { type ClientProperties, type ClientSettings, consumerSettings, createClient } from './client-settings.ts';
import type { Intake, Membership } from './intake.ts';
import type { Rebalance, Source, TopicPartition } from './lane.ts';
import { readStatistics, type Statistics } from './statistics.ts';
import type { ClientError } from './transport.ts';

export interface SourceOptions {
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

const codes = kafka.CODES.ERRORS;
const closeMsMax = 4_000;
const seekMsMax = 10_000;

/**
 * The reading half of a lane, whatever way the bytes take: the official client's rdkafka-style consumer with a loop of our own.
 *
 * It knows the partitions held, each with an epoch that no other assignment of this process ever had. The rebalance callback only
 * queues; `answer` tells the client. While the source closes, the queue is answered inline, because the client waits for the last
 * unassign inside `disconnect`.
 */
export class GroupSource implements Source {
  readonly topics: readonly string[];
  readonly #consumer: ClientConsumer;
  readonly #options: SourceOptions;
  readonly #assignment: Assignment;
  #intake: Intake | null = null;
  readonly #rebalances: Rebalance[] = [];
  #rebalanceWaiter: Deferred | null = null;
  #paused = false;
  readonly #topicsPaused = new Set<string>();
  #closing = false;
  #committing = false;
  #commitAgain = false;

  /** `properties` are what the lane needs of the consumer. */
  protected constructor(options: SourceOptions, properties: ClientProperties) {
    this.#options = options;
    this.topics = options.topics;
    this.#assignment = new Assignment(options.topics);
    const settings = {
      ...consumerSettings(options.client, options.groupId),
      ...properties,
      rebalance_cb: (error: LibrdKafkaError, partitions: ClientPartition[]) => this.#queueRebalance(error, partitions),
      offset_commit_cb: true,
    };
    this.#consumer = createClient(() => new kafka.KafkaConsumer(settings) as ClientConsumer);
    this.#consumer.on('event.error', (error: LibrdKafkaError) => this.#onError(error));
    this.#consumer.on('event.stats', (event: { message: string }) => this.#onStatistics(event.message));
    this.#consumer.on('offset.commit', (error: LibrdKafkaError | null) => this.#onCommitted(error));
  }

  /** Connects and subscribes. Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
  protected async connect(createIntake: (membership: Membership) => Intake): Promise<void> {
    await connect(this.#consumer, this.#options.client.brokers);
    this.#intake = createIntake({
      topics: this.topics,
      assignment: this.#assignment,
      consumer: this.#consumer,
      stop: (held, offset, reason) => this.#stop(held, offset, reason),
      onError: (error) => {
        this.#onError(error);
        if (error.code === codes.ERR__FATAL) throw fatalError(error);
      },
    });
    this.#consumer.subscribe([...this.topics]);
  }

  get rebalancePending(): boolean {
    return this.#rebalances.length > 0;
  }

  get carriedBytes(): number | null {
    return this.#bytes.carriedBytes;
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
      for (const partition of partitions) this.#tell(this.#assignment.add(partition));
      if (cooperative) this.#consumer.incrementalAssign(partitions);
      else this.#consumer.assign(partitions);
      // A pause outlives an assignment in librdkafka, so every assignment says anew what it is.
      const [paused, flowing] = split(partitions, ({ topic }) => this.#paused || this.#topicsPaused.has(topic));
      if (paused.length > 0) this.#consumer.pause(paused);
      if (flowing.length > 0) this.#consumer.resume(flowing);
    } else {
      for (const partition of partitions) this.#tell(this.#assignment.remove(partition));
      if (cooperative) this.#consumer.incrementalUnassign(partitions);
      else this.#consumer.unassign();
    }
  }

  epochOf(topic: string, partition: number): number | null {
    return this.#assignment.find(topic, partition)?.epoch ?? null;
  }

  fill(slab: Slab, waitMs: number): Promise<number> {
    return this.#bytes.fill(slab, waitMs);
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
    await this.#bytes.poll(waitMs);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#resume(this.#assignment.all().filter(({ topic }) => !this.#topicsPaused.has(topic)));
  }

  partitionsOf(topic: string): readonly HeldPartition[] {
    return this.#assignment.all().filter((held) => held.topic === topic);
  }

  hold(topic: string): void {
    this.#topicsPaused.add(topic);
    const held = this.partitionsOf(topic);
    if (held.length > 0) this.#consumer.pause(held.map(partitionOf));
  }

  async rewind({ topic, partition }: TopicPartition, offset: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#consumer.seek({ topic, partition, offset }, seekMsMax, (error: LibrdKafkaError | null) => {
        // Where it goes on from is not known then: what was withheld would be passed over.
        if (error) reject(fatalError(error));
        else resolve();
      });
    });
    const before = this.#assignment.remove({ topic, partition });
    this.#tell(before);
    const held = this.#assignment.add({ topic, partition });
    assert(before && held, 'a partition that is read again is held');
    this.#tell(held);
    return held.epoch;
  }

  release(topic: string): void {
    this.#topicsPaused.delete(topic);
    if (!this.#paused) this.#resume(this.partitionsOf(topic));
  }

  #resume(partitions: readonly HeldPartition[]): void {
    const flowing = partitions.filter(({ isStopped }) => !isStopped);
    if (flowing.length > 0) this.#consumer.resume(flowing.map(partitionOf));
  }

  /** Leaves the group; the client commits what is stored on its way out. A broker that does not answer is left after four seconds. */
  async close(): Promise<void> {
    this.#intake?.close();
    this.#closing = true;
    if (this.#rebalances.splice(0).length > 0) this.#dismiss();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, closeMsMax);
      this.#consumer.disconnect(() => {
        clearTimeout(timer);
        this.#intake?.closed();
        resolve();
      });
    });
  }

  get #bytes(): Intake {
    assert(this.#intake, 'a source is used before it is connected');
    return this.#intake;
  }

  #tell(partition: HeldPartition | null): void {
    if (partition) this.#bytes.held(partition);
  }

  #queueRebalance(error: LibrdKafkaError, clientPartitions: ClientPartition[]): void {
    // While it closes the client takes no assignment any more, and an unassign answers either kind.
    if (this.#closing) {
      this.#dismiss();
      return;
    }
    const kind = error.code === codes.ERR__ASSIGN_PARTITIONS ? 'assign' : 'revoke';
    const partitions = clientPartitions.map(({ topic, partition }) => ({ topic, partition }));
    const rebalance: Rebalance = { kind, partitions, lost: kind === 'revoke' && this.#consumer.assignmentLost() };
    this.#rebalances.push(rebalance);
    this.#rebalanceWaiter?.resolve();
    this.#rebalanceWaiter = null;
  }

  /** Answers a rebalance by holding nothing. One may be told when the client has left the group already: then nobody waits for the answer. */
  #dismiss(): void {
    try {
      this.#consumer.unassign();
    } catch (error) {
      if (!messageOf(error).endsWith('is disconnected')) throw error;
    }
  }

  #stop(held: HeldPartition, offset: number, reason: string): void {
    const { topic, partition } = held;
    held.isStopped = true;
    this.#consumer.pause([{ topic, partition }]);
    const text = `${topic}/${partition} stops before offset ${offset}: ${reason}`;
    this.#options.onStopped({ topic, partition }, new DataQuarantineError('DQ_KAFKA_HEADER_LOST', text));
  }

  #onError(error: ClientError): void {
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

function fatalError(error: ClientError): DataQuarantineError {
  return new DataQuarantineError('DQ_KAFKA_FATAL', `the Kafka client gave up: ${error.message}`, { cause: error });
}

/** What the client takes: it looks at every field that it finds. */
function partitionOf({ topic, partition }: HeldPartition): TopicPartition {
  return { topic, partition };
}

/** Those for which it holds, and the others. */
function split(partitions: readonly TopicPartition[], holds: (partition: TopicPartition) => boolean): [TopicPartition[], TopicPartition[]] {
  return [partitions.filter(holds), partitions.filter((partition) => !holds(partition))];
}
