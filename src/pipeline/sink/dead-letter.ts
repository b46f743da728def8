import type { ByteWriter } from '../../lib/byte-writer.ts';
import { isJson } from '../../lib/is-json.ts';
import { packed } from '../../model/header.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import type { ErrorType } from '../../model/verdict.ts';
import { isFramed } from '../../model/wire-frame.ts';
import { type CauseText, causeText, type DeadLetterForm } from './cause-text.ts';
import { copyHeaders } from './copy-headers.ts';

/** The parts of a letter, as they lie one after another. A length of -1 is null. */
export interface LetterBytes {
  readonly valueBytes: number;
  readonly keyBytes: number;
  readonly headersBytes: number;
}

/** The judge finds these only in a value that is JSON in every byte. */
const foundInJson: ReadonlySet<ErrorType> = new Set<ErrorType>([
  'duplicate_key',
  'forbidden_key',
  'schema_missing',
  'schema_not_found',
  'schema_violation',
  'publish_refused',
]);
const foundInOther: ReadonlySet<ErrorType> = new Set<ErrorType>(['malformed_json', 'invalid_utf8']);

/** What we write, and therefore what is dropped from the source's headers: a stale one must not be taken for ours. */
const ourNames: readonly Buffer[] = [
  'dq.id',
  'dq.original.topic',
  'dq.original.partition',
  'dq.original.offset',
  'dq.original.timestamp',
  'dq.schema',
  'dq.schema.version',
  'dq.error.type',
  'dq.error.path',
  'dq.error.keyword',
  'dq.error.fingerprint',
  'dq.failed.at',
  'dq.payload.ref',
].map((name) => Buffer.from(name));

const constant = {
  original: Buffer.from('{"original_message":'),
  base64: Buffer.from('{"original_message":null,"original_message_base64":"'),
  neither: Buffer.from('{"original_message":null,"original_message_base64":null'),
  quote: Buffer.from('"'),
  offset: Buffer.from(',"source_offset":'),
  time: Buffer.from(',"quarantined_at":"'),
  id: Buffer.from('","id":"'),
  fingerprint: Buffer.from(',"fingerprint":"'),
  place: Buffer.from('","storage_path":"'),
  end: Buffer.from('"}'),
};

/** Names of our headers as they are packed, and behind each the length of a value that is not known beforehand. */
const header = {
  id: packedName('dq.id'),
  partition: packedName('dq.original.partition'),
  offset: packedName('dq.original.offset'),
  timestamp: packedName('dq.original.timestamp'),
  fingerprint: packedName('dq.error.fingerprint'),
  time: packedName('dq.failed.at'),
  place: packedName('dq.payload.ref'),
};

/** More than all that stands in a letter beside the source's bytes, the texts of its cause, its place and its fingerprint. */
const fixedBytesMax = 1_024;

/** The bytes that {@link writeDeadLetter} takes at most. */
export function deadLetterBytesMax(record: Quarantined, place: StoredPlace, form: DeadLetterForm): number {
  const { value, key, packedHeaders, fault, topic } = record;
  const cause = causeText(fault, form);
  const texts = cause.error.length + cause.schema.length + cause.headers.length;
  const places = 2 * (topic.length + place.storagePath.length + place.fingerprint.length);
  const source = (key?.length ?? 0) + packedHeaders.length;
  // Base64 makes four bytes of three.
  return (form === 'whole' ? value.length + Math.ceil(value.length / 3) + 4 : 0) + source + texts + places + fixedBytesMax;
}

/**
 * Writes the dead letter of a quarantined message: an envelope, the source's key, and the source's headers followed by ours, packed.
 * What the database says of the record (`place`) wins over what this pass found, so that a repeat writes the same dead letter again.
 * `dq.replay.id` and `dq.replay.attempt` are the source's own headers and stay among them. Cluster, database and this file hold to
 * it: an id, a topic's name, a storage path and a fingerprint have nothing in them that JSON would escape.
 */
export function writeDeadLetter(writer: ByteWriter, record: Quarantined, place: StoredPlace, form: DeadLetterForm): LetterBytes {
  const cause = causeText(record.fault, form);
  const start = writer.at;
  if (form === 'whole') writeOriginal(writer, record);
  else writer.raw(constant.neither);
  writeRest(writer, record, place, cause);
  const keyAt = writer.at;
  // A compacted topic takes no letter without a key.
  if (form === 'bare') writer.ascii(record.id);
  else if (record.key) writer.raw(record.key);
  const headersAt = writer.at;
  if (form !== 'bare') copyHeaders(writer, record.packedHeaders, ourNames);
  writeOwnHeaders(writer, record, place, cause);
  const keyBytes = form !== 'bare' && record.key === null ? -1 : headersAt - keyAt;
  return { valueBytes: keyAt - start, keyBytes, headersBytes: writer.at - headersAt };
}

/** The payload. A source that is JSON stands there verbatim: number lexemes, escapes and repeated names survive. */
function writeOriginal(writer: ByteWriter, record: Quarantined): void {
  const { value } = record;
  if (holdsJson(record)) {
    writer.raw(constant.original);
    writer.raw(value);
    return;
  }
  writer.raw(constant.base64);
  writer.base64(value);
  writer.raw(constant.quote);
}

/** The members that follow the payload, in the contract's order. */
function writeRest(writer: ByteWriter, record: Quarantined, place: StoredPlace, cause: CauseText): void {
  writer.raw(cause.error);
  writer.raw(topicText(record.topic).envelope);
  writer.decimal(record.partition);
  writer.raw(constant.offset);
  writer.decimal(record.offset);
  writer.raw(constant.time);
  writer.ascii(timeOf(place));
  writer.raw(constant.id);
  writer.ascii(record.id);
  writer.raw(cause.schema);
  writer.raw(constant.fingerprint);
  writer.ascii(place.fingerprint);
  writer.raw(constant.place);
  writer.ascii(place.storagePath);
  writer.raw(constant.end);
}

/** Ours, in the contract's order. A header that has nothing to say is left out. */
function writeOwnHeaders(writer: ByteWriter, record: Quarantined, place: StoredPlace, cause: CauseText): void {
  writeText(writer, header.id, record.id);
  writer.raw(topicText(record.topic).header);
  writeDecimal(writer, header.partition, record.partition);
  writeDecimal(writer, header.offset, record.offset);
  writeDecimal(writer, header.timestamp, record.timestamp);
  writer.raw(cause.headers);
  writeText(writer, header.fingerprint, place.fingerprint);
  writeText(writer, header.time, timeOf(place));
  writeText(writer, header.place, place.storagePath);
}

function writeText(writer: ByteWriter, name: Buffer, text: string): void {
  writer.raw(name);
  writer.int32(text.length);
  writer.ascii(text);
}

function writeDecimal(writer: ByteWriter, name: Buffer, value: number): void {
  writer.raw(name);
  const lengthAt = writer.at;
  writer.at += 4;
  writer.decimal(value);
  writer.int32At(lengthAt, writer.at - lengthAt - 4);
}

/** The name of a packed header, without its value. */
function packedName(name: string): Buffer {
  return packed([{ name, value: null }]).subarray(0, -4);
}

interface TopicText {
  /** From the topic's name to where the partition's number stands. */
  readonly envelope: Buffer;
  readonly header: Buffer;
}

const topicTexts = new Map<string, TopicText>();

function topicText(topic: string): TopicText {
  const known = topicTexts.get(topic);
  if (known) return known;
  const text: TopicText = {
    envelope: Buffer.from(`,"source_topic":${JSON.stringify(topic)},"source_partition":`),
    header: packed([{ name: 'dq.original.topic', value: Buffer.from(topic) }]),
  };
  topicTexts.set(topic, text);
  return text;
}

/** Records of a load share their time, and writing it out is dear. */
let lastTime = { ms: Number.NaN, text: '' };

function timeOf({ quarantinedAt }: StoredPlace): string {
  if (lastTime.ms !== quarantinedAt) lastTime = { ms: quarantinedAt, text: new Date(quarantinedAt).toISOString() };
  return lastTime.text;
}

/** Was the value read to its end as JSON before the fault was found? Where the judge had no say in it, it is read here. */
function holdsJson({ value, fault, isJson: said }: Quarantined): boolean {
  // What follows the id of a schema registry is JSON, but the whole is not.
  if (foundInOther.has(fault.error_type) || isFramed(value)) return false;
  if (foundInJson.has(fault.error_type)) return value.length > 0;
  return said ?? isJson(value);
}
