import type { Batch } from '../model/batch.ts';
import { answer, type MessageParts, Slab } from '../model/slab.ts';
import { claimsOf } from '../pipeline/batch/batcher.ts';

/** A message of partition 0 in epoch 1, but for what is given. */
export function buildMessage(parts: Partial<MessageParts>): MessageParts {
  return { ...defaults, ...parts };
}

const defaults: MessageParts = {
  offset: 0,
  timestamp: 1_767_225_600_000,
  partition: 0,
  topic: 0,
  epoch: 1,
  value: Buffer.from('{}'),
  key: null,
  headers: [],
};

/** A batch of topic `raw-events` with the given messages, each answered `valid` unless told otherwise. */
export function buildBatch(messages: readonly (Partial<MessageParts> & { answer?: number })[], id = 1): Batch {
  const parts = messages.map((message, index) => ({ ...buildMessage({ offset: index, ...message }), answer: message.answer }));
  const bytes = parts.reduce((sum, message) => sum + Slab.bytesOf(message), 0);
  const slab = Slab.allocate(Math.max(1, parts.length), bytes);
  parts.forEach((message, row) => {
    slab.append(message);
    slab.answers[row] = message.answer ?? answer.valid;
  });
  const topics = ['raw-events'];
  return { id, slab, topics, claims: claimsOf(slab, topics), startedMs: 0 };
}
