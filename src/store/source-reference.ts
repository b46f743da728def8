import type { SourceCoordinates } from '../model/record.ts';

/**
 * The storage path of a record whose payload was left in its source topic, because of a flood: `kafka:TOPIC/PARTITION/OFFSET`. A topic's
 * name has neither a colon nor a slash in it, so it cannot be the path of a stored payload. It leads somewhere for as long as the
 * source holds the message.
 */
export function sourceReference({ topic, partition, offset }: Pick<SourceCoordinates, 'topic' | 'partition' | 'offset'>): string {
  return `${scheme}${topic}/${partition}/${offset}`;
}

const scheme = 'kafka:';

/** Does the payload lie in the source topic rather than in the object store? */
export function isSourceReference(storagePath: string): boolean {
  return storagePath.startsWith(scheme);
}
