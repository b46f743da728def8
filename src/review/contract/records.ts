import { z } from 'zod';
import { deadLetterFamilies } from '../../model/dead-letter-family.ts';
import type { RecordStatus } from '../../model/record.ts';
import { pageOf, pageQuery, searchText } from './page.ts';

export const recordStatuses = [
  'quarantined',
  'in_review',
  'replaying',
  'replayed',
  'discarded',
  'erased',
] as const satisfies readonly RecordStatus[];

/** Which records; the same words select the records of a replay plan. `q` searches error text, field, key and schema. */
export const recordFilter = z.object({
  status: z.enum(recordStatuses).optional(),
  topic: searchText.optional(),
  schema: searchText.optional(),
  error_type: searchText.optional(),
  fingerprint: searchText.optional(),
  field: searchText.optional(),
  /** Dead letters of one family that were taken in. */
  family: z.enum(deadLetterFamilies).optional(),
  q: searchText.optional(),
  /** On `quarantined_at`: from this moment on, and before that one. */
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

export const recordQuery = recordFilter.extend(pageQuery.shape).extend({ facets: z.enum(['0', '1']).optional() });

/** A quarantined message as a reviewer sees it: its row, never its payload. */
export const record = z.object({
  id: z.uuid(),
  topic: z.string(),
  partition: z.number().int(),
  /** A decimal number: offsets do not fit a double. */
  offset: z.string(),
  timestamp: z.string().nullable(),
  /** The key as text where it is UTF-8, null where there is none or it is not text. Masked without `payload:read`. */
  key: z.string().nullable(),
  /** The key's bytes; null where there is no key, or it is masked. */
  key_base64: z.string().nullable(),
  schema_name: z.string().nullable(),
  schema_version: z.string().nullable(),
  error_type: z.string(),
  error_message: z.string(),
  field_path: z.string().nullable(),
  instance_path: z.string().nullable(),
  keyword: z.string().nullable(),
  fingerprint: z.string(),
  storage_path: z.string(),
  payload_bytes: z.number().int(),
  payload_sha256: z.string(),
  status: z.enum(recordStatuses),
  quarantined_at: z.string(),
  /** For `If-Match`. */
  version: z.number().int(),
  attempts: z.number().int(),
  /** Who wrote this dead letter; null for a record of our own pipeline. */
  family: z.enum(deadLetterFamilies).nullable(),
});

/**
 * Where the payload is: `stored`, `in_source` (a flood left it there), `gone` (the source holds it no longer), `unreadable` (the store lost it, or
 * has something else), `away` (where it lies cannot be asked right now), `erased`. Without `payload:read` nobody looks, and only the row is asked.
 */
export const payloadStates = ['stored', 'in_source', 'gone', 'unreadable', 'away', 'erased'] as const;

export const recordId = z.object({ id: z.uuid() });

/** The statuses that a person gives; the others come of replays and erasures. */
export const recordPatch = z.strictObject({ status: z.enum(['quarantined', 'in_review', 'discarded']) });

/** `subject` is what names the person in messages. */
export const erasureBody = z.object({ subject: searchText.min(1) });

/** What one record's page shows besides: its edits, and what was done with it, oldest first. */
export const recordDetail = record.extend({
  edits: z.array(z.object({ id: z.uuid(), at: z.string(), by: z.string(), valid: z.boolean(), schema_version: z.string().nullable() })),
  history: z.array(z.object({ at: z.string(), by: z.string(), action: z.string(), detail: z.string().nullable() })),
  /** The records before and after it in its source partition that are in quarantine, too. */
  neighbours: z.object({ before: z.uuid().nullable(), after: z.uuid().nullable() }),
  payload_state: z.enum(payloadStates),
  headers: z.array(z.object({ name: z.string(), value: z.string().nullable(), value_base64: z.string().nullable() })),
  /** What is known of a dead letter that was taken in; null for a record of our own pipeline. */
  dead_letter: z
    .object({
      /** Where the dead letter itself lies. */
      topic: z.string(),
      partition: z.number().int(),
      offset: z.string(),
      /** The topic that the message came from, null where its headers do not say it. */
      origin_topic: z.string().nullable(),
      /** The outermost class that was thrown. */
      exception: z.string().nullable(),
      /** In the words of what was thrown, which may quote the payload: null without `payload:read`. */
      message: z.string().nullable(),
      value_is_null: z.boolean(),
    })
    .nullable(),
});

const facet = z.array(z.object({ value: z.string().nullable(), count: z.number().int() }));

export const recordFacets = z.object({ status: facet, schema: facet, error_type: facet, topic: facet, family: facet });

/** A list of records; the facets are those of all that the filter selects, not of the page. */
export const recordPage = pageOf(record).extend({ facets: recordFacets.optional() });

/** The verdict of an edit that is still invalid comes with the 422 in place of this. */
export const editBody = z.union([
  z.object({ value: z.string(), schema_version: searchText.optional() }),
  z.object({ patch: z.array(z.record(z.string(), z.unknown())).max(1_000), schema_version: searchText.optional() }),
]);

/** What would be said of an edit, of which nothing is kept. The verdict is that of `dq validate`: no value of the payload is in it. */
export const editCheck = z.object({
  valid: z.boolean(),
  verdict: z
    .object({ error_type: z.string(), error_message: z.string(), field_path: z.string().nullable(), instance_path: z.string().nullable() })
    .nullable(),
});

export const edit = z.object({
  id: z.uuid(),
  record_id: z.uuid(),
  at: z.string(),
  by: z.string(),
  schema_name: z.string().nullable(),
  schema_version: z.string().nullable(),
  valid: z.boolean(),
  payload_sha256: z.string(),
  payload_bytes: z.number().int(),
  /** The whole edited text; absent without `payload:read`. */
  value: z.string().optional(),
});

export const editList = pageOf(edit);

export type RecordFilter = z.infer<typeof recordFilter>;
export type RecordItem = z.infer<typeof record>;
export type RecordDetail = z.infer<typeof recordDetail>;
export type PayloadState = (typeof payloadStates)[number];
export type RecordFacets = z.infer<typeof recordFacets>;
export type EditBody = z.infer<typeof editBody>;
export type EditCheck = z.infer<typeof editCheck>;
export type Edit = z.infer<typeof edit>;
