import { assert } from '../lib/assert.ts';
import type { SourceCoordinates } from '../model/record.ts';

/** Where in Kafka a payload was left. */
export type SourcePlace = Pick<SourceCoordinates, 'topic' | 'partition' | 'offset'>;

/**
 * The storage path of a record whose payload was left in its source topic, because of a flood: `kafka:TOPIC/PARTITION/OFFSET`. A topic's
 * name has neither a colon nor a slash in it, so it cannot be the path of a stored payload. It leads somewhere for as long as the
 * source holds the message.
 */
export function sourceReference({ topic, partition, offset }: SourcePlace): string {
  return `${scheme}${topic}/${partition}/${offset}`;
}

const scheme = 'kafka:';

/** Does the payload lie in the source topic rather than in the object store? */
export function isSourceReference(storagePath: string): boolean {
  return storagePath.startsWith(scheme);
}

/** Takes apart what {@link sourceReference} made. */
export function parseSourceReference(storagePath: string): SourcePlace {
  const [, topic, partition, offset] = /^kafka:([^/]+)\/(\d+)\/(\d+)$/.exec(storagePath) ?? [];
  assert(topic !== undefined, 'a path that begins like a reference to a source is one');
  return { topic, partition: Number(partition), offset: Number(offset) };
}
