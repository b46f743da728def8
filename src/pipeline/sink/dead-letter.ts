import { isUtf8 } from 'node:buffer';
import type { Header } from '../../model/header.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import type { ErrorType, Fault } from '../../model/verdict.ts';

/**
 * How much of the source a dead letter carries. `pointer` leaves the payload out, for a message that is too large for the topic or
 * one of a flood; `bare` has the record's id for a key and none of the source's headers, for a message that is too large even so. Both are
 * found whole at `storage_path`.
 */
export type DeadLetterForm = 'whole' | 'pointer' | 'bare';

/** A record for the dead letter topic, as the publisher takes it. The key and the source's headers are views into the slab. */
export interface DeadLetter {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Header[];
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

/**
 * The most bytes that a text of free length may take in a header, or in a pointer's envelope. With them, our headers, names
 * included, stay within the contract's 4 KiB: the others are short by nature, as a topic's name has at most 249 characters and the
 * payload's place some 70 more.
 */
const textBytesMax = { path: 2048, schema: 256, version: 128, keyword: 128, message: 4096 } as const;

/** What we write, and therefore what is dropped from the source's headers: a stale one must not be taken for ours. */
const ourNames: ReadonlySet<string> = new Set([
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
]);

/**
 * The dead letter of a quarantined message: the source's key, an envelope, and the source's headers followed by ours. What the
 * database says of the record (`place`) wins over what this pass found, so that a repeat writes the same dead letter again.
 * `dq.replay.id` and `dq.replay.attempt` are the source's own headers and stay among them.
 */
export function encodeDeadLetter(record: Quarantined, place: StoredPlace, form: DeadLetterForm): DeadLetter {
  const own = ownHeaders(record, place);
  return {
    // A compacted topic takes no letter without a key.
    key: form === 'bare' ? Buffer.from(record.id) : record.key,
    value: form === 'whole' ? encodeWhole(record, place) : encodePointer(record, place),
    headers: form === 'bare' ? own : [...record.headers.filter(({ name }) => !ourNames.has(name)), ...own],
  };
}

/** The envelope with the payload. A source that is JSON stands in it verbatim: number lexemes, escapes and repeated names survive. */
function encodeWhole(record: Quarantined, place: StoredPlace): Buffer {
  const { value, fault } = record;
  const rest = envelopeRest(record, fault, place);
  if (isJson(value, fault.error_type)) return Buffer.concat([originalMessage, value, Buffer.from(rest)]);
  return Buffer.from(`{"original_message":null,"original_message_base64":"${value.toString('base64')}"${rest}`);
}

/** The envelope without the payload. It is small whatever the source sent, member names of a megabyte included. */
function encodePointer(record: Quarantined, place: StoredPlace): Buffer {
  return Buffer.from(`{"original_message":null,"original_message_base64":null${envelopeRest(record, shortened(record.fault), place)}`);
}

const originalMessage = Buffer.from('{"original_message":');

/** The members that follow the payload, in the contract's order. */
function envelopeRest(record: Quarantined, fault: Fault, place: StoredPlace): string {
  return (
    `,"validation_error":{"error_type":"${fault.error_type}","error_message":${JSON.stringify(fault.error_message)}` +
    `,"field_path":${JSON.stringify(fault.field_path)}},"source_topic":${JSON.stringify(record.topic)}` +
    `,"source_partition":${record.partition},"source_offset":${record.offset},"quarantined_at":"${timeOf(place)}"` +
    `,"id":"${record.id}","schema_name":${JSON.stringify(fault.schema_name)},"schema_version":${JSON.stringify(fault.schema_version)}` +
    `,"fingerprint":${JSON.stringify(place.fingerprint)},"storage_path":${JSON.stringify(place.storagePath)}}`
  );
}

/** Records of a load share their time, and writing it out is dear. */
let lastTime = { ms: Number.NaN, text: '' };

function timeOf({ quarantinedAt }: StoredPlace): string {
  if (lastTime.ms !== quarantinedAt) lastTime = { ms: quarantinedAt, text: new Date(quarantinedAt).toISOString() };
  return lastTime.text;
}

function shortened(fault: Fault): Fault {
  const short = (text: string | null, bytesMax: number) => (text === null ? null : clipped(text, bytesMax).toString());
  return {
    ...fault,
    error_message: clipped(fault.error_message, textBytesMax.message).toString(),
    field_path: short(fault.field_path, textBytesMax.path),
    schema_name: short(fault.schema_name, textBytesMax.schema),
    schema_version: short(fault.schema_version, textBytesMax.version),
  };
}

/** Was the value read to its end as JSON before the fault was found? If that is not known, it is read here. */
function isJson(value: Buffer, type: ErrorType): boolean {
  if (value.length === 0 || foundInOther.has(type)) return false;
  if (foundInJson.has(type)) return true;
  if (!isUtf8(value)) return false;
  try {
    JSON.parse(value.toString());
    return true;
  } catch {
    return false;
  }
}

/** Ours, in the contract's order. A header that has nothing to say is left out. */
function ownHeaders(record: Quarantined, place: StoredPlace): Header[] {
  return [
    { name: 'dq.id', value: Buffer.from(record.id) },
    ...header('dq.original.topic', record.topic),
    ...header('dq.original.partition', String(record.partition)),
    { name: 'dq.original.offset', value: Buffer.from(String(record.offset)) },
    { name: 'dq.original.timestamp', value: Buffer.from(String(record.timestamp)) },
    ...faultHeaders(record.fault),
    ...header('dq.error.fingerprint', place.fingerprint),
    ...header('dq.failed.at', timeOf(place)),
    { name: 'dq.payload.ref', value: Buffer.from(place.storagePath) },
  ];
}

const headersOfFaults = new WeakMap<Fault, readonly Header[]>();

/** What a fault says in headers, made once: many records of a load share their fault. */
function faultHeaders(fault: Fault): readonly Header[] {
  const known = headersOfFaults.get(fault);
  if (known) return known;
  const headers = [
    ...header('dq.schema', fault.schema_name, textBytesMax.schema),
    ...header('dq.schema.version', fault.schema_version, textBytesMax.version),
    ...header('dq.error.type', fault.error_type),
    ...header('dq.error.path', fault.field_path),
    ...header('dq.error.keyword', fault.keyword, textBytesMax.keyword),
  ];
  headersOfFaults.set(fault, headers);
  return headers;
}

function header(name: string, text: string | null, bytesMax: number = textBytesMax.path): Header[] {
  return text === null ? [] : [{ name, value: recurring(text) ?? clipped(text, bytesMax) }];
}

const recurringMax = 1_000;
const recurringUnitsMax = 40;
const recurringBytes = new Map<string, Buffer>();

/** The bytes of a short text that comes with one record after another: topics, schemas, causes. Null for others. */
function recurring(text: string): Buffer | null {
  if (text.length > recurringUnitsMax) return null;
  const known = recurringBytes.get(text);
  if (known) return known;
  if (recurringBytes.size === recurringMax) recurringBytes.clear();
  const bytes = Buffer.from(text);
  recurringBytes.set(text, bytes);
  return bytes;
}

/** As many whole characters of `text` as `bytesMax` bytes of UTF-8 hold. */
function clipped(text: string, bytesMax: number): Buffer {
  // One UTF-16 unit makes at least one byte, so the rest of a very long text need not be encoded.
  const bytes = Buffer.from(text.length > bytesMax ? text.slice(0, bytesMax) : text);
  let end = bytes.length;
  if (end > bytesMax) {
    end = bytesMax;
    while (isContinuation(bytes[end])) end -= 1;
  }
  return bytes.subarray(0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
