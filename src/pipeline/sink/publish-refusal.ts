import type { Refusal } from '../../drivers/kafka/lane.ts';
import { fingerprintOf } from '../../model/fingerprint.ts';
import type { Fault } from '../../model/verdict.ts';

/** The schema version that found the message valid, null for a tombstone. */
export interface JudgedBy {
  readonly name: string;
  readonly version: string;
}

/** The fault of a message that its schema found valid and the valid topic refused for good. */
export function publishRefusal(refusal: Refusal, validTopic: string, judgedBy: JudgedBy | null): Fault {
  const errorType = refusal.reason === 'too_large' ? 'too_large' : 'publish_refused';
  const expected =
    refusal.reason === 'too_large'
      ? `expected a message that fits the topic ${validTopic} (its max.message.bytes)`
      : `expected a message that the topic ${validTopic} takes; it said: ${refusal.message}`;
  return {
    outcome: 'invalid',
    error_type: errorType,
    error_message: expected,
    field_path: null,
    instance_path: null,
    keyword: null,
    fingerprint: fingerprintOf({ schema: judgedBy?.name ?? null, keyword: null, foldedPath: null, kind: errorType }),
    schema_name: judgedBy?.name ?? null,
    schema_version: judgedBy?.version ?? null,
    engine: 'js',
  };
}
