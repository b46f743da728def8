import type { GroupState } from '../../../contract/groups.ts';
import type { PayloadState, RecordItem } from '../../../contract/records.ts';
import type { Forecast, ReplayState } from '../../../contract/replays.ts';

/** What a colour says. It never says it alone: a word stands beside it. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'info';

export const statusTones: Readonly<Record<RecordItem['status'], Tone>> = {
  quarantined: 'plain',
  in_review: 'info',
  replaying: 'info',
  replayed: 'good',
  discarded: 'plain',
  erased: 'plain',
};

export const groupTones: Readonly<Record<GroupState, Tone>> = { open: 'plain', regressed: 'bad', resolved: 'good', archived: 'plain' };

export const replayTones: Readonly<Record<ReplayState, Tone>> = {
  planned: 'info',
  running: 'info',
  paused: 'warn',
  done: 'good',
  failed: 'bad',
  cancelled: 'plain',
};

export const forecastTexts: Readonly<Record<Forecast, { label: string; meaning: string; tone: Tone }>> = {
  will_pass: { label: 'will pass', meaning: 'Fits the schema version; will be published.', tone: 'good' },
  still_fails: { label: 'still fails', meaning: 'Does not fit the schema version; stays in quarantine.', tone: 'bad' },
  already_replayed: { label: 'already replayed', meaning: 'Was published by an earlier plan.', tone: 'plain' },
  erased: { label: 'erased', meaning: 'Its payload is gone for good.', tone: 'plain' },
  discarded: { label: 'discarded', meaning: 'Somebody decided that it is not needed.', tone: 'plain' },
  superseded: { label: 'superseded', meaning: 'A newer message of the same key has gone on already.', tone: 'warn' },
  too_large: { label: 'too large', meaning: 'The target topic does not take messages of this size.', tone: 'bad' },
  attempts_used: { label: 'attempts used up', meaning: 'Was tried as often as is allowed.', tone: 'warn' },
  changed: { label: 'changed', meaning: 'Somebody changed it after the plan was made.', tone: 'warn' },
  unreadable: { label: 'unreadable', meaning: 'Its stored payload could not be read.', tone: 'bad' },
};

/** Where a payload is, and what that means for whoever looks at its record. */
export const payloadTexts: Readonly<Record<PayloadState, { label: string; meaning: string; tone: Tone }>> = {
  stored: { label: 'whole', meaning: 'It is kept as it came.', tone: 'good' },
  in_source: {
    label: 'in its source',
    meaning: 'A flood left this payload in its source topic: it can be read, edited and replayed until retention takes it from there.',
    tone: 'warn',
  },
  gone: {
    label: 'lost',
    meaning: 'A flood left this payload in its source topic, which holds it no longer: only its facts are left.',
    tone: 'bad',
  },
  unreadable: {
    label: 'lost',
    meaning: 'The object store lost this payload, or has something else in its place: only its facts are left.',
    tone: 'bad',
  },
  away: { label: 'out of reach', meaning: 'Where this payload lies does not answer right now. Nothing is lost by that.', tone: 'warn' },
  erased: { label: 'erased', meaning: 'This payload was erased for good: only its facts are left.', tone: 'plain' },
};

/** Who wrote a dead letter, by the names that people know. */
export const familyNames: Readonly<Record<NonNullable<RecordItem['family']>, string>> = {
  kafka_connect: 'Kafka Connect',
  kafka_streams: 'Kafka Streams',
  share_group: 'Share group',
  spring_kafka: 'Spring Kafka',
  smallrye: 'SmallRye',
  confluent_rules: 'Confluent rules',
  unknown: 'Unknown writer',
};

/** What people call the parts of the service. */
export const partNames: Readonly<Record<string, string>> = {
  dlq: 'Dead-letter topic',
  group: 'Consumer group',
  kafka: 'Kafka',
  postgres: 'PostgreSQL',
  spool: 'Spool',
  storage: 'Object store',
  valid: 'Valid topic',
  workers: 'Validators',
};

/** `in_review` as people write it. */
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}
