import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import { murmur2 } from '../../lib/murmur2.ts';

/** The topic that a plan publishes to. */
export interface Target {
  readonly topic: string;
  readonly partitions: number;
  /** Infinite where messages are compressed: what the log takes is not known before, and the broker has the word. */
  readonly messageBytesMax: number;
  readonly keyRequired: boolean;
  /** Does the broker replace the timestamps of records? Then nothing can be said of what is newer. */
  readonly ownTimestamps: boolean;
}

/** Throws `DQ_KAFKA_TOPIC_MISSING` where there is no such topic. */
export async function describeTarget(wire: Wire, topic: string, isCompressing: boolean): Promise<Target> {
  const cluster = await wire.cluster([topic]);
  const settings = (await wire.topicSettings([topic])).get(topic);
  return {
    topic,
    partitions: cluster.topics.get(topic)?.partitions ?? 1,
    messageBytesMax: (isCompressing ? null : settings?.messageBytesMax) ?? Number.POSITIVE_INFINITY,
    keyRequired: settings?.compacted ?? false,
    ownTimestamps: settings?.logAppendTime ?? false,
  };
}

export interface Origin {
  readonly partition: number;
  /** False where the partition is that of a dead letter which does not say where its message was. */
  readonly placeIsKnown: boolean;
  readonly key: Buffer | null;
  /** The key that the schema took from the value. */
  readonly derivedKey: Buffer | null;
}

/**
 * Where the pipeline would have put it: by a key that the schema took from the value, else by its source partition. Where that is not known,
 * by its own key, as Kafka's default partitioner does: messages of one key stay together. One without a key may lie anywhere.
 */
export function partitionOf({ partitions }: Target, { partition, placeIsKnown, key, derivedKey }: Origin): number {
  const deciding = derivedKey ?? (placeIsKnown ? null : key);
  return (deciding ? murmur2(deciding) : partition) % partitions;
}

/** The head of a record batch, and the lengths and deltas of a record. */
const overheadBytes = 61 + 5 * 5 + 10;

/** Is a message of so many bytes surely larger than the target takes? */
export function isTooLarge({ messageBytesMax }: Target, bytes: number): boolean {
  return bytes + overheadBytes > messageBytesMax;
}
