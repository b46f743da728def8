import type { RecordItem } from './records.ts';

/** The columns of records as a table, in their order. */
export const exportColumns = [
  'id',
  'topic',
  'partition',
  'offset',
  'timestamp',
  'key',
  'schema_name',
  'schema_version',
  'error_type',
  'error_message',
  'field_path',
  'fingerprint',
  'payload_bytes',
  'payload_sha256',
  'status',
  'quarantined_at',
  'attempts',
] as const satisfies readonly (keyof RecordItem)[];
