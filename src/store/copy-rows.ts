import { ByteWriter } from '../lib/byte-writer.ts';
import type { Quarantined } from '../model/record.ts';
import type { Fault } from '../model/verdict.ts';

/** A record and where its payload lies: what becomes a row. */
export interface StoredRow {
  readonly record: Quarantined;
  readonly storagePath: string;
}

/** The columns that {@link encodeCopyRows} writes, in its order. The others have defaults. */
export const copyColumns =
  'id, topic, partition, "offset", timestamp, key, schema_name, schema_version, error_type, error_message, ' +
  'field_path, instance_path, keyword, fingerprint, storage_path, payload_bytes, payload_sha256, quarantined_at';
const columnsCount = 18;

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const epochMs = Date.UTC(2000, 0, 1);
/** The last moment that a Date can hold, some 18,000 years before PostgreSQL's own limit. */
const dateMsMax = 8.64e15;
const rowStart = Buffer.from([0, columnsCount]);
const trailer = Buffer.from([0xff, 0xff]);

/**
 * The rows in COPY's binary format, in one Buffer. Binary, because nothing in it must be escaped. Text may hold what PostgreSQL's
 * cannot: NUL becomes U+FFFD here, as do lone surrogates, so that no record can stop the others of its batch.
 */
export function encodeCopyRows(rows: readonly StoredRow[]): Buffer {
  let bytesMax = signature.length + 2;
  for (const row of rows) bytesMax += rowBytesMax(row);
  const writer = new CopyWriter(bytesMax);
  for (const { record, storagePath } of rows) {
    writer.row();
    writer.uuid(record.id);
    writer.ascii(record.topic);
    writer.int32(record.partition);
    writer.int64(record.offset);
    writer.time(record.timestamp);
    writer.bytes(record.key);
    writer.encoded(faultColumns(record.fault));
    writer.ascii(storagePath);
    writer.int32(record.value.length);
    writer.bytes(record.payloadSha256);
    writer.time(record.quarantinedAt);
  }
  return writer.end();
}

const columnsOfFaults = new WeakMap<Fault, Buffer>();

/** The columns that a fault fills, encoded once: many records of a load share their fault. */
function faultColumns(fault: Fault): Buffer {
  const known = columnsOfFaults.get(fault);
  if (known) return known;
  const { schema_name, schema_version, error_type, error_message, field_path, instance_path, keyword, fingerprint } = fault;
  const texts = [schema_name, schema_version, error_type, error_message, field_path, instance_path, keyword, fingerprint];
  const writer = new CopyWriter(signature.length + texts.reduce((sum, text) => sum + 4 + textBytesMax(text ?? ''), 2));
  for (const text of texts) writer.text(text);
  const bytes = writer.written();
  columnsOfFaults.set(fault, bytes);
  return bytes;
}

function rowBytesMax({ record, storagePath }: StoredRow): number {
  const fixed = 2 + columnsCount * 4 + 16 + 4 + 8 + 8 + 4 + 8;
  const texts = record.topic.length + storagePath.length + faultColumns(record.fault).length;
  return fixed + texts + (record.key?.length ?? 0) + record.payloadSha256.length;
}

/** A UTF-16 unit takes at most three bytes of UTF-8. */
function textBytesMax(text: string): number {
  return text.length * 3;
}

/** Writes fields one after another: an int32 length (-1 for null), then the value, all big-endian. */
class CopyWriter {
  readonly #writer: ByteWriter;

  constructor(bytesMax: number) {
    this.#writer = new ByteWriter(Buffer.allocUnsafeSlow(bytesMax), 0);
    this.#writer.raw(signature);
  }

  row(): void {
    this.#writer.raw(rowStart);
  }

  text(text: string | null): void {
    if (text === null) return this.#null();
    const lengthAt = this.#writer.at;
    this.#writer.at += 4;
    this.#writer.utf8(text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text);
    const end = this.#writer.at;
    this.#writer.at = lengthAt;
    this.#writer.int32BE(end - lengthAt - 4);
    this.#writer.at = end;
  }

  /** A text of one byte a character, none of them NUL. */
  ascii(text: string): void {
    this.#writer.int32BE(text.length);
    this.#writer.ascii(text);
  }

  /** Fields that were encoded before. */
  encoded(fields: Buffer): void {
    this.#writer.raw(fields);
  }

  /** The fields so far, without the head. */
  written(): Buffer {
    return this.#writer.bytes.subarray(signature.length, this.#writer.at);
  }

  bytes(bytes: Buffer | null): void {
    if (bytes === null) return this.#null();
    this.#writer.int32BE(bytes.length);
    this.#writer.raw(bytes);
  }

  uuid(uuid: string): void {
    this.#writer.int32BE(16);
    this.#writer.hex(uuid);
  }

  int32(value: number): void {
    this.#writer.int32BE(4);
    this.#writer.int32BE(value);
  }

  int64(value: number): void {
    this.#writer.int32BE(8);
    this.#writer.int64BE(value);
  }

  /** Microseconds since 2000. A source may send any number for a time; -1 means none. */
  time(ms: number): void {
    if (ms < 0 || ms > dateMsMax) return this.#null();
    this.int64((ms - epochMs) * 1000);
  }

  end(): Buffer {
    this.#writer.raw(trailer);
    return this.#writer.bytes.subarray(0, this.#writer.at);
  }

  #null(): void {
    this.#writer.int32BE(-1);
  }
}
