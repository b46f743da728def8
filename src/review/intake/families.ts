import type { DeadLetterFamily } from '../../model/dead-letter-family.ts';

/** How one family of dead letters says where a message came from and what was wrong with it. */
export interface Family {
  readonly name: Exclude<DeadLetterFamily, 'unknown'>;
  /** In the words of an error text. */
  readonly title: string;
  /** What the names of all its headers begin with. */
  readonly prefix: string;
  /** Names of the headers of the message's origin. A family without a partition knows the topic alone. */
  readonly origin: { readonly topic: string; readonly partition?: string; readonly offset?: string; readonly timestamp?: string };
  /** Decimal text, or big-endian integers: 4 bytes for a partition, 8 for an offset or a time. */
  readonly numbers: 'text' | 'binary';
  /** Where the newest of several headers of one name stands: a message that failed twice has those of both passes. */
  readonly newest: 'first' | 'last';
  /** Names of classes, the outermost first. */
  readonly classes: readonly string[];
  readonly messages: readonly string[];
  readonly stacktraces: readonly string[];
  /** Headers that hold names from somebody's configuration, with the word that introduces each. */
  readonly names: readonly (readonly [word: string, header: string])[];
}

/**
 * The families, each as its writer writes it. Where from:
 * - Kafka Connect: `DeadLetterQueueReporter` of apache/kafka. Where a header is there already, old versions leave it and newer ones (4.1 is
 *   tried) put theirs behind it; key, value, headers and timestamp are those of the message.
 * - Kafka Streams: `ExceptionHandlerUtils` of apache/kafka (KIP-1034). Its headers go behind those of the message; a message without text is null.
 * - Share groups: `ShareGroupDLQStateManager` of apache/kafka (KIP-1191). Headers of the message are not copied, and its key and value
 *   only where the topic says so.
 * - Spring Kafka: `DeadLetterPublishingRecoverer` and `KafkaHeaders` of spring-projects/spring-kafka. Origins are appended by default,
 *   exceptions replaced. The time of the dead letter is that of its failure; the message's own is in a header.
 * - SmallRye: `KafkaDeadLetterQueue` of smallrye/smallrye-reactive-messaging. Its headers go before those of the message.
 * - Confluent rules: `DlqAction` of confluentinc/schema-registry. The message may never have been in a topic, so there is no offset.
 */
export const families: readonly Family[] = [
  {
    name: 'kafka_connect',
    title: 'Kafka Connect',
    prefix: '__connect.errors.',
    origin: { topic: '__connect.errors.topic', partition: '__connect.errors.partition', offset: '__connect.errors.offset' },
    numbers: 'text',
    newest: 'last',
    classes: ['__connect.errors.exception.class.name'],
    messages: ['__connect.errors.exception.message'],
    stacktraces: ['__connect.errors.exception.stacktrace'],
    names: [
      ['at', '__connect.errors.stage'],
      ['of connector', '__connect.errors.connector.name'],
    ],
  },
  {
    name: 'kafka_streams',
    title: 'Kafka Streams',
    prefix: '__streams.errors.',
    origin: { topic: '__streams.errors.topic', partition: '__streams.errors.partition', offset: '__streams.errors.offset' },
    numbers: 'text',
    newest: 'last',
    classes: ['__streams.errors.exception'],
    messages: ['__streams.errors.message'],
    stacktraces: ['__streams.errors.stacktrace'],
    names: [],
  },
  {
    name: 'share_group',
    title: 'a share group',
    prefix: '__dlq.errors.',
    origin: { topic: '__dlq.errors.topic', partition: '__dlq.errors.partition', offset: '__dlq.errors.offset' },
    numbers: 'text',
    newest: 'last',
    classes: [],
    messages: ['__dlq.errors.message'],
    stacktraces: [],
    names: [['in group', '__dlq.errors.group']],
  },
  {
    name: 'spring_kafka',
    title: 'Spring Kafka',
    prefix: 'kafka_dlt-',
    origin: {
      topic: 'kafka_dlt-original-topic',
      partition: 'kafka_dlt-original-partition',
      offset: 'kafka_dlt-original-offset',
      timestamp: 'kafka_dlt-original-timestamp',
    },
    numbers: 'binary',
    newest: 'last',
    classes: ['kafka_dlt-exception-fqcn', 'kafka_dlt-key-exception-fqcn', 'kafka_dlt-exception-cause-fqcn'],
    messages: ['kafka_dlt-exception-message', 'kafka_dlt-key-exception-message'],
    stacktraces: ['kafka_dlt-exception-stacktrace', 'kafka_dlt-key-exception-stacktrace'],
    names: [['in group', 'kafka_dlt-original-consumer-group']],
  },
  {
    name: 'smallrye',
    title: 'SmallRye',
    prefix: 'dead-letter-',
    origin: { topic: 'dead-letter-topic', partition: 'dead-letter-partition', offset: 'dead-letter-offset' },
    numbers: 'text',
    newest: 'first',
    classes: ['dead-letter-exception-class-name', 'dead-letter-cause-class-name'],
    messages: ['dead-letter-reason', 'dead-letter-cause'],
    stacktraces: [],
    names: [],
  },
  {
    name: 'confluent_rules',
    title: 'a Confluent rule',
    prefix: '__rule.',
    origin: { topic: '__rule.topic' },
    numbers: 'text',
    newest: 'last',
    classes: [],
    messages: ['__rule.exception'],
    stacktraces: [],
    names: [
      ['by rule', '__rule.name'],
      ['on', '__rule.mode'],
      ['of subject', '__rule.subject'],
    ],
  },
];
