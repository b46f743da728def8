import { z } from 'zod';
import { pageOf, pageQuery, searchText } from './page.ts';

/** Who is signed in, and what the page may offer. */
export const session = z.object({
  name: z.string(),
  role: z.enum(['viewer', 'reviewer', 'operator', 'admin']),
  payload_read: z.boolean(),
  mode: z.enum(['none', 'token', 'oidc']),
  /** For the header `x-csrf-token` of changes; null unless a cookie says who it is. */
  csrf_token: z.string().nullable(),
  /** Topics whose names begin so; empty for all. */
  topic_prefixes: z.array(z.string()),
});

/** A token that is exchanged for a session with a cookie, so that a browser can be used where tokens say who somebody is. */
export const sessionBody = z.strictObject({ token: z.string().min(1).max(4_096) });

/** `return_to` is a path of the page. */
export const loginQuery = z.object({ return_to: searchText.optional() });

export const auditQuery = pageQuery.extend({
  by: searchText.optional(),
  action: searchText.optional(),
  subject: searchText.optional(),
});

export const auditEntry = z.object({
  sequence: z.string(),
  at: z.string(),
  by: z.string(),
  role: z.string(),
  /** `payload.read`, `record.status`, `record.edit`, `group.state`, `replay.start`, `denied` and so on. */
  action: z.string(),
  subject: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()).nullable(),
  hash: z.string(),
});

export const auditPage = pageOf(auditEntry);

/** The whole service at a glance, for the overview; the same numbers as `/metrics`. Rates are a second. */
export const overview = z.object({
  at: z.string(),
  /** Null where this process runs no engine. */
  engine: z
    .object({
      lane: z.string(),
      engine: z.string(),
      consumed_per_second: z.number(),
      valid_per_second: z.number(),
      quarantined_per_second: z.number(),
      remediated_per_second: z.number(),
      consumed: z.number(),
      valid: z.number(),
      quarantined: z.number(),
      remediated: z.number(),
      lag: z.number(),
      inflight: z.number(),
      spool_bytes: z.number(),
      unaccounted: z.number(),
      breakers: z.array(z.object({ sink: z.string(), state: z.enum(['closed', 'half-open', 'open']) })),
    })
    .nullable(),
  open_records: z.number().int(),
  open_groups: z.number().int(),
  checks: z.array(z.object({ name: z.string(), ready: z.boolean(), detail: z.string().nullable() })),
});

export type Session = z.infer<typeof session>;
export type AuditEntry = z.infer<typeof auditEntry>;
export type Overview = z.infer<typeof overview>;
