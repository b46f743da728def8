import { type Header, packed } from '../../model/header.ts';
import type { Fault } from '../../model/verdict.ts';

/**
 * How much of the source a dead letter carries. `pointer` leaves the payload out, for a message that is too large for the topic or
 * one of a flood; `bare` has the record's id for a key and none of the source's headers, for a message that is too large even so. Both are
 * found whole at `storage_path`.
 */
export type DeadLetterForm = 'whole' | 'pointer' | 'bare';

/** What a dead letter says of its cause, encoded. Many letters of a load share it. */
export interface CauseText {
  /** The envelope's member `validation_error`, with the comma before it. */
  readonly error: Buffer;
  /** From behind the record's id to the version of the schema. */
  readonly schema: Buffer;
  /** Our headers about the cause, packed. */
  readonly headers: Buffer;
}

/**
 * The most bytes that a text of free length may take in a header, or in a pointer's envelope. With them, our headers, names
 * included, stay within 4 KiB (docs/dead-letters.md): the others are short by nature, as a topic's name has at most 249 characters and the
 * payload's place some 70 more.
 */
const bytesMax = { path: 2048, schema: 256, version: 128, keyword: 128, message: 4096 } as const;

const wholeTexts = new WeakMap<Fault, CauseText>();
const shortTexts = new WeakMap<Fault, CauseText>();

/** The cause in a letter of that form. A letter without the payload is small whatever the source sent, names of a megabyte included. */
export function causeText(fault: Fault, form: DeadLetterForm): CauseText {
  const texts = form === 'whole' ? wholeTexts : shortTexts;
  const known = texts.get(fault);
  if (known) return known;
  const text = encode(fault, form === 'whole' ? fault : shortened(fault));
  texts.set(fault, text);
  return text;
}

function encode(fault: Fault, said: Fault): CauseText {
  const { error_type, error_message, field_path, schema_name, schema_version } = said;
  return {
    error: Buffer.from(
      `,"validation_error":{"error_type":"${error_type}","error_message":${JSON.stringify(error_message)}` +
        `,"field_path":${JSON.stringify(field_path)}}`,
    ),
    schema: Buffer.from(`","schema_name":${JSON.stringify(schema_name)},"schema_version":${JSON.stringify(schema_version)}`),
    headers: packed([
      ...header('dq.schema', fault.schema_name, bytesMax.schema),
      ...header('dq.schema.version', fault.schema_version, bytesMax.version),
      ...header('dq.error.type', fault.error_type, bytesMax.path),
      ...header('dq.error.path', fault.field_path, bytesMax.path),
      ...header('dq.error.keyword', fault.keyword, bytesMax.keyword),
    ]),
  };
}

function shortened(fault: Fault): Fault {
  const short = (text: string | null, max: number) => (text === null ? null : clipped(text, max).toString());
  return {
    ...fault,
    error_message: clipped(fault.error_message, bytesMax.message).toString(),
    field_path: short(fault.field_path, bytesMax.path),
    schema_name: short(fault.schema_name, bytesMax.schema),
    schema_version: short(fault.schema_version, bytesMax.version),
  };
}

/** A header that has nothing to say is none. */
function header(name: string, text: string | null, max: number): Header[] {
  return text === null ? [] : [{ name, value: clipped(text, max) }];
}

/** As many whole characters of `text` as `max` bytes of UTF-8 hold. */
function clipped(text: string, max: number): Buffer {
  // One UTF-16 unit makes at least one byte, so the rest of a very long text need not be encoded.
  const bytes = Buffer.from(text.length > max ? text.slice(0, max) : text);
  let end = bytes.length;
  if (end > max) {
    end = max;
    while (isContinuation(bytes[end])) end -= 1;
  }
  return bytes.subarray(0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
