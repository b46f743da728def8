import { listOffsetsV8, listOffsetsV9 } from '@platformatic/kafka';
import { type Connections, refusal } from './connections.ts';
import { isolation } from './fetch.ts';
import { brokerOf, code, type Metadata } from './metadata.ts';

export interface AskedOffsets {
  readonly topic: string;
  /** The first offset whose timestamp is not before this, in milliseconds since 1970; or one of the two below. */
  readonly timestamp: bigint;
  readonly isolation: keyof typeof isolation;
}

/** What the leaders of a topic answer by partition, null for what those lead that do not, and the first reason why. */
export interface KnownOffsets {
  readonly offsets: (number | null)[];
  readonly failure: Error | null;
}

interface PartitionOffset {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly offset: bigint;
}

export const earliest = -2n;
export const latest = -1n;
const listOffsetsApis = [listOffsetsV9.api, listOffsetsV8.api];

/** Asks each leader once. Throws only where nothing is known of the topic. */
export async function askOffsets(connections: Connections, metadata: Metadata, asked: AskedOffsets): Promise<KnownOffsets> {
  const { topic, timestamp } = asked;
  const leaders = metadata.topics.get(topic)?.leaders;
  if (!leaders) throw refusal(code.unknownTopic, `Topic "${topic}" cannot be read`);
  const offsets = leaders.map((): number | null => null);
  let failure: Error | null = null;
  for (const nodeId of new Set(leaders)) {
    const led = [...leaders.keys()].filter((partition) => leaders[partition] === nodeId);
    try {
      const leader = brokerOf(metadata.brokers, nodeId, `${topic}/${led.join(', ')}`);
      const partitions = led.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }));
      const answer = await connections.call(leader, listOffsetsApis, -1, isolation[asked.isolation], [{ name: topic, partitions }]);
      takeOffsets(topic, answer.topics[0]?.partitions ?? [], offsets);
    } catch (error) {
      failure ??= error as Error;
    }
  }
  return { offsets, failure };
}

/** Puts what one leader answers to the others' answers; throws the first refusal among it when all that was answered is taken. */
export function takeOffsets(topic: string, answered: readonly PartitionOffset[], offsets: (number | null)[]): void {
  for (const { partitionIndex, errorCode, offset } of answered) if (errorCode === code.none) offsets[partitionIndex] = Number(offset);
  const refused = answered.find(({ errorCode }) => errorCode !== code.none);
  if (refused) throw refusal(refused.errorCode, `The offsets of ${topic}/${refused.partitionIndex} cannot be read`);
}
