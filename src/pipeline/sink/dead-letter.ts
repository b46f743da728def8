import type { ByteWriter } from '../../lib/byte-writer.ts';
import { isJson } from '../../lib/is-json.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import type { ErrorType } from '../../model/verdict.ts';
import { isFramed } from '../../model/wire-frame.ts';
import type { DeadLetterForm } from './cause-text.ts';
import { copyHeaders } from './copy-headers.ts';
import { type LetterText, letterText, packedName } from './letter-text.ts';

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
  end: Buffer.from('"}'),
};

/** Names of our headers as they are packed. */
const header = {
  id: packedName('dq.id'),
  offset: packedName('dq.original.offset'),
  timestamp: packedName('dq.original.timestamp'),
};

/** More than all that stands in a letter beside the source's bytes, the texts that it shares with others, and its place. */
const fixedBytesMax = 1_024;

/** The bytes that {@link writeDeadLetter} takes at most. */
export function deadLetterBytesMax(record: Quarantined, place: StoredPlace, form: DeadLetterForm): number {
  const { value, key, packedHeaders } = record;
  const { error, time, schema, topicHeaders, causeHeaders } = letterText(record, place, form);
  const texts = error.length + time.length + schema.length + topicHeaders.length + causeHeaders.length;
  const places = 2 * place.storagePath.length;
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
  const text = letterText(record, place, form);
  const start = writer.at;
  if (form === 'whole') writeOriginal(writer, record);
  else writer.raw(constant.neither);
  writeRest(writer, record, place, text);
  const keyAt = writer.at;
  // A compacted topic takes no letter without a key.
  if (form === 'bare') writer.ascii(record.id);
  else if (record.key) writer.raw(record.key);
  const headersAt = writer.at;
  if (form !== 'bare') copyHeaders(writer, record.packedHeaders, ourNames);
  writeOwnHeaders(writer, record, place, text);
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

/** The members that follow the payload, in the order of docs/dead-letters.md. */
function writeRest(writer: ByteWriter, record: Quarantined, place: StoredPlace, text: LetterText): void {
  writer.raw(text.error);
  writer.decimal(record.partition);
  writer.raw(constant.offset);
  writer.decimal(record.offset);
  writer.raw(text.time);
  writer.ascii(record.id);
  writer.raw(text.schema);
  writer.ascii(place.storagePath);
  writer.raw(constant.end);
}

/** Ours, in the order of docs/dead-letters.md. A header that has nothing to say is left out. */
function writeOwnHeaders(writer: ByteWriter, record: Quarantined, place: StoredPlace, text: LetterText): void {
  writer.raw(header.id);
  writeText(writer, record.id);
  writer.raw(text.topicHeaders);
  writeDecimal(writer, record.partition);
  writer.raw(header.offset);
  writeDecimal(writer, record.offset);
  writer.raw(header.timestamp);
  writeDecimal(writer, record.timestamp);
  writer.raw(text.causeHeaders);
  writeText(writer, place.storagePath);
}

function writeText(writer: ByteWriter, text: string): void {
  writer.int32(text.length);
  writer.ascii(text);
}

function writeDecimal(writer: ByteWriter, value: number): void {
  const lengthAt = writer.at;
  writer.at += 4;
  writer.decimal(value);
  writer.int32At(lengthAt, writer.at - lengthAt - 4);
}

/** Was the value read to its end as JSON before the fault was found? Where the judge had no say in it, it is read here. */
function holdsJson({ value, fault, isJson: said }: Quarantined): boolean {
  // What follows the id of a schema registry is JSON, but the whole is not.
  if (foundInOther.has(fault.error_type) || isFramed(value)) return false;
  if (foundInJson.has(fault.error_type)) return value.length > 0;
  return said ?? isJson(value);
}
