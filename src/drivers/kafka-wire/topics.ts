import { DataQuarantineError } from '../../lib/errors.ts';
import type { ClientProperties } from './security.ts';
import { openWire, type TopicSettings, type WireCluster } from './wire.ts';

/** The names of the service's topics, and how to reach them. */
export interface TopicNames {
  readonly brokers: readonly string[];
  readonly client: ClientProperties;
  readonly sourceTopics: readonly string[];
  readonly validTopic: string;
  readonly dlqTopic: string;
}

/** What the cluster says of the service's topics. */
export interface Topics {
  readonly cluster: WireCluster;
  readonly valid: TopicSettings;
  readonly dlq: TopicSettings;
  readonly validPartitions: number;
  readonly dlqPartitions: number;
}

/** Asks once. A missing topic is `DQ_KAFKA_TOPIC_MISSING`, named with what to do. */
export async function describeTopics({ brokers, client, sourceTopics, validTopic, dlqTopic }: TopicNames): Promise<Topics> {
  const wire = await openWire({ brokers, client });
  try {
    const cluster = await wire.cluster([...new Set([...sourceTopics, validTopic, dlqTopic])]);
    const described = await wire.topicSettings([validTopic, dlqTopic]);
    const valid = described.get(validTopic);
    const dlq = described.get(dlqTopic);
    const validPartitions = cluster.topics.get(validTopic)?.partitions;
    const dlqPartitions = cluster.topics.get(dlqTopic)?.partitions;
    if (valid && dlq && validPartitions && dlqPartitions) return { cluster, valid, dlq, validPartitions, dlqPartitions };
    const message = `the broker does not describe ${validTopic} or ${dlqTopic}; check the rights on them.`;
    throw new DataQuarantineError('DQ_KAFKA_TOPIC_MISSING', message);
  } finally {
    await wire.close();
  }
}
