import { isIP } from 'node:net';
import {
  type Broker,
  createTopicsV7,
  describeConfigsV4,
  findCoordinatorV4,
  findCoordinatorV5,
  findCoordinatorV6,
  offsetFetchV8,
  offsetFetchV9,
} from '@platformatic/kafka';
import { DataQuarantineError } from '../../lib/errors.ts';
import { Connections, refusal } from './connections.ts';
import { type Fetched, fetchApis, fetchArgs, type isolation } from './fetch.ts';
import { askMetadata, brokerOf, code, type Metadata, type TopicMetadata } from './metadata.ts';
import { askOffsets, earliest, latest } from './offsets.ts';
import { decodeBatches, type WireRecord } from './record-batches.ts';
import { type ClientProperties, translateSecurity } from './security.ts';

export type { WireRecord } from './record-batches.ts';

export interface WireOptions {
  /** `HOST:PORT` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** librdkafka properties; the security settings among them are translated, all others are left alone. */
  readonly client: ClientProperties;
  /** What of transactions is read: everything (the default), or nothing of those that are open or were aborted. */
  readonly isolation?: keyof typeof isolation;
}

/** What librdkafka would read of transactions with these properties. */
export function isolationOf(client: ClientProperties): keyof typeof isolation {
  return client['isolation.level'] === 'read_uncommitted' ? 'all' : 'committed';
}

export interface WireTopic {
  /** As Kafka's own tools print it: 22 characters. A topic that is deleted and made again under its name has another. */
  readonly topicId: string;
  readonly partitions: number;
}

export interface WireCluster {
  readonly clusterId: string;
  readonly topics: ReadonlyMap<string, WireTopic>;
}

export interface TopicSettings {
  /** The largest record batch that the topic takes, in bytes (`max.message.bytes`). */
  readonly messageBytesMax: number;
  readonly compacted: boolean;
  /** Milliseconds, -1 for ever. */
  readonly retentionMs: number;
  /** The most that a partition may hold, -1 for any. */
  readonly retentionBytes: number;
  /** Does the broker replace the timestamps of records by its own? */
  readonly logAppendTime: boolean;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** The first offset that a partition still has, and one past the last that this client may see. */
export interface WireBounds {
  readonly start: number;
  readonly end: number;
}

/** Offsets `from` (kept) to `to` (left out) of a partition. */
export interface WireRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

const coordinatorApis = [findCoordinatorV6.api, findCoordinatorV5.api, findCoordinatorV4.api];
const offsetFetchApis = [offsetFetchV9.api, offsetFetchV8.api];
const topicResource = 2;
const groupCoordinator = 0;
/** Larger answers were slower: their records outlive the young generation of the heap. */
const fetchBytesMax = 2 * 2 ** 20;
const createMsMax = 15_000;
/** Half a minute of fetches that wait half a second each. */
const emptyFetchesMax = 60;
/** A new leader may know less of its log for a moment than the one before it. A fetch at the end of a log waits for half a second. */
const fetchesAtEndMax = 4;

/** Opens a client that shares no code with the one that the engine uses, so that a fault of that one cannot hide itself. */
export async function openWire(options: WireOptions): Promise<Wire> {
  const { tls, sasl } = translateSecurity(options.client);
  const brokers = options.brokers.map(parseBroker);
  const connections = new Connections(brokers, {
    // A name is sent to the broker as SNI; an address may not be.
    ...(tls ? { tls, tlsServerName: brokers.every(({ host }) => isIP(host) === 0) } : {}),
    ...(sasl ? { sasl } : {}),
  });
  const wire = new Wire(connections, options.isolation ?? 'all');
  try {
    await wire.cluster([]);
    return wire;
  } catch (error) {
    await wire.close();
    throw error;
  }
}

/** `HOST`, `HOST:PORT`, `[::1]:PORT`, each perhaps with a protocol before it as librdkafka allows. */
function parseBroker(text: string): Broker {
  const match = /^(?:[a-z_]+:\/\/)?(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text.trim());
  if (!match?.[1]) throw new DataQuarantineError('DQ_CONFIG_INVALID', `kafka.brokers: "${text}" is not HOST:PORT.`);
  return { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 9092) };
}

/**
 * The second, pure JavaScript view of a cluster: what topics there are and how they are set, and their records byte for byte.
 * It never joins a group and never writes a record or an offset. One call at a time is enough for its users, more are allowed.
 */
export class Wire {
  readonly #connections: Connections;
  readonly #leaders = new Map<string, TopicMetadata>();
  readonly #isolation: keyof typeof isolation;
  #brokers: ReadonlyMap<number, Broker> = new Map();

  constructor(connections: Connections, level: keyof typeof isolation) {
    this.#connections = connections;
    this.#isolation = level;
  }

  /** The cluster's id and the topics asked for; an error names all that do not exist or may not be seen. */
  async cluster(topics: readonly string[]): Promise<WireCluster> {
    const metadata = await this.#connections.retry(() => this.#metadata(topics));
    const missing = topics.filter((topic) => !metadata.topics.has(topic));
    if (missing.length > 0) {
      const names = missing.map((topic) => `"${topic}"`).join(', ');
      throw new DataQuarantineError(
        'DQ_KAFKA_TOPIC_MISSING',
        `${missing.length === 1 ? 'Topic' : 'Topics'} ${names} cannot be found. Run \`dq topics create\`, or grant the right to see it.`,
      );
    }
    const found = new Map<string, WireTopic>();
    for (const [name, { topicUuid, leaders }] of metadata.topics) {
      const topicId = Buffer.from(topicUuid.replaceAll('-', ''), 'hex').toString('base64url');
      found.set(name, { topicId, partitions: leaders.length });
    }
    return { clusterId: metadata.clusterId, topics: found };
  }

  async topicSettings(names: readonly string[]): Promise<Map<string, TopicSettings>> {
    const keys = ['max.message.bytes', 'cleanup.policy', 'retention.ms', 'retention.bytes', 'message.timestamp.type'];
    const resources = names.map((resourceName) => ({ resourceType: topicResource, resourceName, configurationKeys: keys }));
    return this.#connections.retry(async () => {
      const { results } = await this.#connections.call(null, [describeConfigsV4.api], resources, false, false);
      const settings = new Map<string, TopicSettings>();
      for (const { resourceName, errorCode, configs } of results) {
        if (errorCode !== code.none) throw refusal(errorCode, `The settings of topic "${resourceName}" cannot be read`);
        const values = new Map(configs.map(({ name, value }) => [name, value ?? '']));
        settings.set(resourceName, {
          messageBytesMax: Number(values.get('max.message.bytes')),
          compacted: values.get('cleanup.policy')?.split(',').includes('compact') ?? false,
          retentionMs: Number(values.get('retention.ms')),
          retentionBytes: Number(values.get('retention.bytes')),
          logAppendTime: values.get('message.timestamp.type') === 'LogAppendTime',
        });
      }
      return settings;
    });
  }

  /** Makes the topics that are not there yet, and returns the names of those it made once they can be used. */
  async createTopics(topics: readonly NewTopic[]): Promise<string[]> {
    const requests = topics.map(({ name, partitions, replicationFactor, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }));
    const made = await this.#connections.retry(async () => {
      const { brokers, controllerId } = await this.#metadata([]);
      const controller = brokers.get(controllerId) ?? null;
      const answer = await this.#connections.call(controller, [createTopicsV7.api], requests, createMsMax, false);
      const names: string[] = [];
      for (const { name, errorCode, errorMessage } of answer.topics) {
        if (errorCode === code.none) names.push(name);
        else if (errorCode !== code.topicExists)
          throw refusal(errorCode, `Topic "${name}" cannot be made${errorMessage ? ` (${errorMessage})` : ''}`);
      }
      return names;
    });
    await this.#connections.retry(async () => {
      const { topics: found } = await this.#metadata(made);
      for (const name of made) if (!found.has(name)) throw refusal(code.leaderNotAvailable, `Topic "${name}" was made`);
    });
    // A broker that knows of a topic may still refuse to lead it; once it tells the end of the log it does not.
    for (const name of made) await this.ends(name);
    return made;
  }

  /** The first offset that each partition still has. */
  async starts(topic: string): Promise<number[]> {
    return this.#offsets(topic, earliest);
  }

  /** One past the last offset of each partition that this client may see. */
  async ends(topic: string): Promise<number[]> {
    return this.#offsets(topic, latest);
  }

  /**
   * Start and end of each partition; null for those whose leaders do not answer, with the reason. Each leader is asked once: what it does
   * not say now is for the caller to ask again, who has other partitions and topics to look at meanwhile.
   */
  async bounds(topic: string): Promise<{ bounds: (WireBounds | null)[]; failure: Error | null }> {
    const metadata = await this.#metadata([topic]);
    const asked = { topic, isolation: this.#isolation };
    const [starts, ends] = await Promise.all([
      askOffsets(this.#connections, metadata, { ...asked, timestamp: earliest }),
      askOffsets(this.#connections, metadata, { ...asked, timestamp: latest }),
    ]);
    const bounds = ends.offsets.map((end, partition) => {
      const start = starts.offsets[partition] ?? null;
      return start === null || end === null ? null : { start, end };
    });
    return { bounds, failure: ends.failure ?? starts.failure };
  }

  /** The first offset of each partition whose timestamp is not before `timestampMs`; the end where there is none. */
  async since(topic: string, timestampMs: number): Promise<number[]> {
    const [found, ends] = [await this.#offsets(topic, BigInt(timestampMs)), await this.ends(topic)];
    return found.map((offset, partition) => (offset < 0 ? (ends[partition] as number) : offset));
  }

  /** What `group` has committed by topic and partition, null where nothing. */
  async committed(group: string, topics: readonly string[]): Promise<Map<string, (number | null)[]>> {
    const { topics: found } = await this.cluster(topics);
    const wanted = [...found].map(([name, { partitions }]) => ({
      name,
      partitionIndexes: Array.from({ length: partitions }, (_, index) => index),
    }));
    return this.#connections.retry(async () => {
      const coordinator = await this.#coordinator(group);
      const asked = { groupId: group, memberEpoch: -1, topics: wanted };
      const { groups } = await this.#connections.call(coordinator, offsetFetchApis, [asked], false);
      const answer = groups[0];
      if (!answer || answer.errorCode !== code.none)
        throw refusal(answer?.errorCode ?? code.unknown, `The offsets of group "${group}" cannot be read`);
      const committed = new Map(wanted.map(({ name, partitionIndexes }) => [name, partitionIndexes.map((): number | null => null)]));
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, committedOffset, errorCode } of partitions) {
          if (errorCode !== code.none)
            throw refusal(errorCode, `The offset of group "${group}" in ${name}/${partitionIndex} cannot be read`);
          if (committedOffset >= 0n) (committed.get(name) as (number | null)[])[partitionIndex] = Number(committedOffset);
        }
      }
      return committed;
    });
  }

  /**
   * Reads the records of a range in order, a few thousand at a time, while the next are already on their way; waits for `onBatch`.
   * Offsets that the log no longer has are passed over, and a range that reaches beyond the end of the log ends with it. Gives the offset
   * that it reached: `to`, or less where the log ended before it.
   */
  async read(range: WireRange, onBatch: (records: readonly WireRecord[]) => void | Promise<void>): Promise<number> {
    const { topic, partition, to } = range;
    let from = range.from;
    let empty = 0;
    let atEnd = 0;
    let next = from < to ? this.#fetch(topic, partition, from) : null;
    while (next) {
      const fetched = await next;
      const { records, offsetNext } = decodeBatches(fetched.batches, { from, to, aborted: fetched.aborted });
      if (fetched.errorCode === code.offsetOutOfRange) {
        const start = (await this.starts(topic))[partition] as number;
        if (start <= from) return from;
        from = start;
      } else if (offsetNext !== null) {
        from = Math.max(from, offsetNext);
        empty = 0;
        atEnd = 0;
      } else if (from >= (this.#isolation === 'all' ? fetched.highWatermark : fetched.lastStableOffset)) {
        if (++atEnd >= fetchesAtEndMax) return from;
      } else if (++empty > emptyFetchesMax) {
        throw new DataQuarantineError(
          'DQ_KAFKA_UNREACHABLE',
          `${topic}/${partition}: no records from offset ${from} on, although the log has more.`,
        );
      }
      next = from < to ? this.#fetch(topic, partition, from) : null;
      // If `onBatch` fails the fetch under way is dropped, and its own failure with it.
      next?.catch(() => undefined);
      if (records.length > 0) await onBatch(records);
    }
    return to;
  }

  /** Like {@link read}, for a range that is known to be there. Throws `DQ_KAFKA_UNREACHABLE` where the log ends before it. */
  async readWhole(range: WireRange, onBatch: (records: readonly WireRecord[]) => void | Promise<void>): Promise<void> {
    const { topic, partition, to } = range;
    const reached = await this.read(range, onBatch);
    if (reached < to)
      throw new DataQuarantineError(
        'DQ_KAFKA_UNREACHABLE',
        `${topic}/${partition} had records up to ${to} and ends at ${reached} now; try again.`,
      );
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #fetch(topic: string, partition: number, offset: number): Promise<Fetched> {
    return this.#connections.retry(async () => {
      try {
        const { leader, topicUuid } = await this.#leader(topic, partition);
        const fetched = await this.#connections.call(
          leader,
          fetchApis,
          ...fetchArgs({ topicUuid, partition, offset, bytesMax: fetchBytesMax, isolation: this.#isolation }),
        );
        if (fetched.errorCode === code.none || fetched.errorCode === code.offsetOutOfRange) return fetched;
        throw refusal(fetched.errorCode, `${topic}/${partition} cannot be read`);
      } catch (error) {
        this.#leaders.delete(topic);
        throw error;
      }
    });
  }

  async #offsets(topic: string, timestamp: bigint): Promise<number[]> {
    return this.#connections.retry(async () => {
      const asked = { topic, timestamp, isolation: this.#isolation };
      const { offsets, failure } = await askOffsets(this.#connections, await this.#metadata([topic]), asked);
      if (failure !== null) throw failure;
      return offsets as number[];
    });
  }

  async #coordinator(group: string): Promise<Broker> {
    const { coordinators } = await this.#connections.call(null, coordinatorApis, groupCoordinator, [group]);
    const found = coordinators[0];
    if (!found || found.errorCode !== code.none) throw refusal(found?.errorCode ?? code.unknown, `Group "${group}" has no coordinator`);
    return { host: found.host, port: found.port };
  }

  async #leader(topic: string, partition: number): Promise<{ leader: Broker; topicUuid: string }> {
    const cached = this.#leaders.get(topic);
    const found = cached ?? (await this.#metadata([topic])).topics.get(topic);
    if (!found) throw refusal(code.unknownTopic, `Topic "${topic}" cannot be read`);
    this.#leaders.set(topic, found);
    const nodeId = found.leaders[partition] ?? -1;
    return { leader: brokerOf(this.#brokers, nodeId, `${topic}/${partition}`), topicUuid: found.topicUuid };
  }

  async #metadata(topics: readonly string[]): Promise<Metadata> {
    const metadata = await askMetadata(this.#connections, topics);
    this.#brokers = metadata.brokers;
    return metadata;
  }
}
