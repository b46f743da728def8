import { hash } from 'node:crypto';
import type { WireRecord } from '../../drivers/kafka-wire/wire.ts';
import { packed } from '../../model/header.ts';
import type { Quarantined, SourceCoordinates } from '../../model/record.ts';
import type { ForeignRow } from '../../store/foreign-store.ts';
import { fingerprintOfLetter } from './fingerprint-of-letter.ts';
import { readLetter } from './read-letter.ts';

/** A dead letter as it lies in its topic. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly record: WireRecord;
}

/** A dead letter on its way into quarantine: as any other record, and what is known of it besides. */
export interface ForeignRecord {
  readonly record: Quarantined;
  readonly foreign: ForeignRow;
}

export interface TakenAs {
  /** Made of the dead letter's own place, so that reading it again is known as that. */
  readonly id: string;
  /** What judged its payload, null where no schema is known for it. */
  readonly schema: { readonly name: string; readonly version: string } | null;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

const noValue = Buffer.alloc(0);

/** Where a record says that it comes from: the message's origin where the headers tell all of it, else the dead letter's own place. */
export function sourceOf({ topic, partition, record }: DeadLetter): SourceCoordinates {
  const { origin, timestamp } = readLetter(record.headers);
  return { ...(origin ?? { topic, partition, offset: record.offset }), timestamp: timestamp ?? record.timestamp };
}

/** Key, value and all headers stay as they came. */
export function foreignRecord(letter: DeadLetter, { id, schema, nowMs }: TakenAs): ForeignRecord {
  const { topic, partition, record } = letter;
  const said = readLetter(record.headers, [record.key, record.value]);
  const value = record.value ?? noValue;
  return {
    record: {
      id,
      ...sourceOf(letter),
      key: record.key,
      value,
      packedHeaders: packed(record.headers),
      fault: {
        outcome: 'error',
        error_type: 'dead_letter',
        error_message: said.summary,
        field_path: null,
        instance_path: null,
        engine: 'js',
        keyword: null,
        fingerprint: fingerprintOfLetter(said),
        schema_name: schema?.name ?? null,
        schema_version: schema?.version ?? null,
      },
      payloadSha256: hash('sha256', value, 'buffer'),
      quarantinedAt: nowMs,
    },
    foreign: {
      id,
      family: said.family,
      topic,
      partition,
      offset: record.offset,
      originTopic: said.topic,
      exception: said.exceptions[0] ?? null,
      valueIsNull: record.value === null,
    },
  };
}
