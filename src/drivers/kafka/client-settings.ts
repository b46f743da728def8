import type { ConsumerGlobalConfig, ProducerGlobalConfig } from '@confluentinc/kafka-javascript';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';

export type ClientProperties = Readonly<Record<string, string | number | boolean>>;

export interface ClientSettings {
  readonly brokers: string;
  readonly clientId: string;
  /** Any librdkafka property of the user's; it wins over our defaults, but not over what the guarantee stands on. */
  readonly properties: ClientProperties;
}

/** Properties that carry the guarantee, with what would break if they were changed. */
const reserved: Readonly<Record<string, string>> = {
  'bootstrap.servers': 'it is `kafka.brokers`',
  'metadata.broker.list': 'it is `kafka.brokers`',
  'group.id': 'it is `kafka.groupId`',
  'enable.auto.commit': 'offsets are stored when their messages are durable, and the client commits what is stored',
  'enable.auto.offset.store': 'an offset would be stored before its message is durable',
  'enable.idempotence': 'retries would double and reorder messages',
  acks: 'an acknowledged message could be lost with its broker',
  'request.required.acks': 'an acknowledged message could be lost with its broker',
  'message.timeout.ms': 'a message would be given up during an outage',
  'delivery.timeout.ms': 'a message would be given up during an outage',
  'delivery.report.only.error': 'acknowledgements would not be seen',
  'enable.partition.eof': 'the consume loop does not read such events',
  dr_cb: 'the lane chooses how acknowledgements come',
  dr_msg_cb: 'the lane chooses how acknowledgements come',
  'transactional.id': 'PostgreSQL and the object store cannot join a Kafka transaction',
};

/**
 * All settings of the consumer in one object. Topic-level properties stand here too: a second constructor argument, even an empty
 * one, would silently bring back `auto.offset.reset=largest`.
 */
export function consumerSettings(settings: ClientSettings, groupId: string): ConsumerGlobalConfig {
  return {
    // A small prefetch with a short backoff is faster than a large one with the default second of backoff, and takes less memory. Many
    // small fetches leave no gap between them, while one that fills the prefetch at once lets it run dry before the next.
    'queued.max.messages.kbytes': 16_384,
    'fetch.message.max.bytes': 512 * 1_024,
    'queued.min.messages': 100_000,
    'fetch.queue.backoff.ms': 2,
    'fetch.wait.max.ms': 100,
    'check.crcs': true,
    'partition.assignment.strategy': 'cooperative-sticky',
    'auto.offset.reset': 'earliest',
    'allow.auto.create.topics': false,
    'auto.commit.interval.ms': 1_000,
    'statistics.interval.ms': 1_000,
    ...userProperties(settings.properties),
    'bootstrap.servers': settings.brokers,
    'client.id': settings.clientId,
    'group.id': groupId,
    'enable.auto.commit': true,
    'enable.auto.offset.store': false,
  } as ConsumerGlobalConfig;
}

/** All settings of the producer. `messageBytesMax` is the largest message that any target topic takes. */
export function producerSettings(
  settings: ClientSettings,
  limits: { messageBytesMax: number; batchBytesMax: number },
): ProducerGlobalConfig {
  return {
    'linger.ms': 1.5,
    'batch.size': limits.batchBytesMax,
    'queue.buffering.max.messages': queuedMessagesMax,
    'queue.buffering.max.kbytes': 262_144,
    // The broker's own limit decides; the client's must not refuse what the broker would take.
    'message.max.bytes': Math.min(limits.messageBytesMax + 65_536, 1_000_000_000),
    ...userProperties(settings.properties),
    'bootstrap.servers': settings.brokers,
    'client.id': settings.clientId,
    'enable.idempotence': true,
    acks: 'all',
    'message.timeout.ms': 0,
  } as ProducerGlobalConfig;
}

/**
 * The client's queue holds this many; we stay below it, so its full queue is never met in the ordinary run of things. More than the
 * usual eight slabs hold: they are the brake, and below them this one made the broker wait (DECISIONS 59).
 */
export const queuedMessagesMax = 100_000;

function userProperties(properties: ClientProperties): ClientProperties {
  for (const name of Object.keys(properties)) {
    const why = reserved[name];
    if (why) throw new DataQuarantineError('DQ_CONFIG_INVALID', `kafka.client may not set ${name}: ${why}. Take it out.`);
  }
  return properties;
}

/** Makes a client; a property that librdkafka does not know or take is a fault of the settings. */
export function createClient<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new DataQuarantineError('DQ_CONFIG_INVALID', `kafka.client is not as librdkafka wants it: ${messageOf(error)}`, { cause: error });
  }
}

/** Does the producer compress? Then a message can be smaller in the log than it is here. */
export function isCompressing(properties: ClientProperties): boolean {
  const codec = properties['compression.type'] ?? properties['compression.codec'] ?? 'none';
  return codec !== 'none';
}
