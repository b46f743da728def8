import type { KafkaConsumer } from '@confluentinc/kafka-javascript';
import type { TopicPartition } from './lane.ts';

/** What the client has and its types do not say. */
export interface ClientConsumer extends KafkaConsumer {
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void;
  rebalanceProtocol(): 'NONE' | 'EAGER' | 'COOPERATIVE';
  incrementalAssign(partitions: readonly TopicPartition[]): this;
  incrementalUnassign(partitions: readonly TopicPartition[]): this;
  assignmentLost(): boolean;
}
