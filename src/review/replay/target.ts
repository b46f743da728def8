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

/** Where the pipeline would have put it: by a key that the schema took from the value, else by its source partition. */
export function partitionOf({ partitions }: Target, source: { readonly partition: number; readonly derivedKey: Buffer | null }): number {
  return (source.derivedKey ? murmur2(source.derivedKey) : source.partition) % partitions;
}

/** The head of a record batch, and the lengths and deltas of a record. */
const overheadBytes = 61 + 5 * 5 + 10;

/** Is a message of so many bytes surely larger than the target takes? */
export function isTooLarge({ messageBytesMax }: Target, bytes: number): boolean {
  return bytes + overheadBytes > messageBytesMax;
}
