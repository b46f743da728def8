import { type Broker, metadataV10, metadataV11, metadataV12 } from '@platformatic/kafka';
import { type Connections, refusal } from './connections.ts';

export interface Metadata {
  readonly clusterId: string;
  readonly brokers: ReadonlyMap<number, Broker>;
  readonly controllerId: number;
  readonly topics: ReadonlyMap<string, TopicMetadata>;
}

export interface TopicMetadata {
  readonly topicUuid: string;
  /** Node ids of the leaders by partition, -1 where there is none at the moment. */
  readonly leaders: readonly number[];
}

/** Error codes of the protocol that have a meaning of their own here. */
export const code = { unknown: -1, none: 0, offsetOutOfRange: 1, unknownTopic: 3, leaderNotAvailable: 5, topicExists: 36 } as const;
const metadataApis = [metadataV12.api, metadataV11.api, metadataV10.api];

/** Topics that do not exist are left out; one that is just being made is an error that passes. */
export async function askMetadata(connections: Connections, topics: readonly string[]): Promise<Metadata> {
  const answer = await connections.call(null, metadataApis, [...topics], false, false);
  const brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
  const found = new Map<string, TopicMetadata>();
  for (const { name, errorCode, topicId, partitions } of answer.topics) {
    if (errorCode === code.leaderNotAvailable) throw refusal(errorCode, `Topic "${name}" cannot be read yet`);
    if (errorCode !== code.none || !name) continue;
    const leaders: number[] = partitions.map(() => -1);
    for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId;
    found.set(name, { topicUuid: topicId, leaders });
  }
  return { clusterId: answer.clusterId ?? '', brokers, controllerId: answer.controllerId, topics: found };
}

export function brokerOf(brokers: ReadonlyMap<number, Broker>, nodeId: number, what: string): Broker {
  const broker = brokers.get(nodeId);
  if (!broker) throw refusal(code.leaderNotAvailable, `${what} has no leader`);
  return broker;
}
