import type { Publisher, Refusal } from '../drivers/kafka/lane.ts';
import { type MessageParts, Slab } from '../model/slab.ts';

/** Publishes messages to their partitions of `topic`; a refusal's row is the index of its message. */
export function publishMessages(
  publisher: Pick<Publisher, 'publish'>,
  topic: string,
  messages: readonly MessageParts[],
): Promise<readonly Refusal[]> {
  const slab = Slab.allocate(
    messages.length,
    messages.reduce((sum, message) => sum + Slab.bytesOf(message), 0),
  );
  for (const message of messages) slab.append(message);
  const partitions = Int32Array.from(messages, ({ partition }) => partition);
  return publisher.publish({ topic, slab, rows: Int32Array.from(messages.keys()), partitions, keys: new Map() });
}
