import { packed } from '../../model/header.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import type { Fault } from '../../model/verdict.ts';
import { causeText, type DeadLetterForm } from './cause-text.ts';

/** What the letters of one cause, topic, fingerprint and time have in common, encoded: the letters of a load are copies of a few texts. */
export interface LetterText {
  /** In the envelope, from behind the payload to the source's partition. */
  readonly error: Buffer;
  /** From behind the offset to the record's id. */
  readonly time: Buffer;
  /** From behind the id to the payload's place. */
  readonly schema: Buffer;
  /** Of our headers, packed, from behind the id to the length of the partition's value. */
  readonly topicHeaders: Buffer;
  /** From behind the timestamp to the length of the place's value. */
  readonly causeHeaders: Buffer;
}

interface KnownText {
  readonly fingerprint: string;
  readonly quarantinedAt: number;
  readonly text: LetterText;
}

/** By cause and topic, and of each the latest: the records of a load share their time, and a cause has one fingerprint but for repeats. */
type KnownTexts = WeakMap<Fault, Map<string, KnownText>>;
const whole: KnownTexts = new WeakMap();
const short: KnownTexts = new WeakMap();

export function letterText({ fault, topic }: Quarantined, place: StoredPlace, form: DeadLetterForm): LetterText {
  const texts = form === 'whole' ? whole : short;
  let byTopic = texts.get(fault);
  if (!byTopic) {
    byTopic = new Map();
    texts.set(fault, byTopic);
  }
  const { fingerprint, quarantinedAt } = place;
  const known = byTopic.get(topic);
  if (known && known.quarantinedAt === quarantinedAt && known.fingerprint === fingerprint) return known.text;
  const text = encode(fault, topic, place, form);
  byTopic.set(topic, { fingerprint, quarantinedAt, text });
  return text;
}

function encode(fault: Fault, topic: string, { fingerprint, quarantinedAt }: StoredPlace, form: DeadLetterForm): LetterText {
  const cause = causeText(fault, form);
  const time = new Date(quarantinedAt).toISOString();
  const header = (name: string, text: string) => packed([{ name, value: Buffer.from(text) }]);
  return {
    error: Buffer.concat([cause.error, Buffer.from(`,"source_topic":${JSON.stringify(topic)},"source_partition":`)]),
    time: Buffer.from(`,"quarantined_at":"${time}","id":"`),
    schema: Buffer.concat([cause.schema, Buffer.from(`,"fingerprint":"${fingerprint}","storage_path":"`)]),
    topicHeaders: Buffer.concat([header('dq.original.topic', topic), packedName('dq.original.partition')]),
    causeHeaders: Buffer.concat([
      cause.headers,
      header('dq.error.fingerprint', fingerprint),
      header('dq.failed.at', time),
      packedName('dq.payload.ref'),
    ]),
  };
}

/** The name of a packed header; the length of its value, and the value, follow. */
export function packedName(name: string): Buffer {
  return packed([{ name, value: null }]).subarray(0, -4);
}
