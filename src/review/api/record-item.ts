import { isUtf8 } from 'node:buffer';
import type { Caller } from '../../model/access.ts';
import type { RecordRow } from '../../store/record-search.ts';
import type { RecordItem } from '../contract/records.ts';

/** A row as the interface shows it. Keys are part of the message: without `payload:read` they are masked. */
export function recordItem(row: RecordRow, { payloadRead }: Caller): RecordItem {
  const key = payloadRead ? row.key : null;
  return {
    id: row.id,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    timestamp: row.timestamp?.toISOString() ?? null,
    key: textOf(key),
    key_base64: key?.toString('base64') ?? null,
    schema_name: row.schema_name,
    schema_version: row.schema_version,
    error_type: row.error_type,
    error_message: row.error_message,
    field_path: row.field_path,
    instance_path: row.instance_path,
    keyword: row.keyword,
    fingerprint: row.fingerprint,
    storage_path: row.storage_path,
    payload_bytes: row.payload_bytes,
    payload_sha256: row.payload_sha256.toString('hex'),
    status: row.status,
    quarantined_at: row.quarantined_at.toISOString(),
    version: row.version,
    attempts: row.attempts,
    family: row.family,
  };
}

/** Bytes as text, null where they are none. */
export function textOf(bytes: Buffer | null): string | null {
  return bytes !== null && isUtf8(bytes) ? bytes.toString() : null;
}
