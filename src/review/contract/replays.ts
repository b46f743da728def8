import { z } from 'zod';
import { pageOf, searchText } from './page.ts';
import { recordFilter } from './records.ts';

export const replayStates = ['planned', 'running', 'paused', 'done', 'failed', 'cancelled'] as const;

/**
 * What a dry run says of one record. `will_pass` alone is published. `changed` is found at the start: somebody has changed the record after
 * the plan was made.
 */
export const forecasts = [
  'will_pass',
  'still_fails',
  'already_replayed',
  'erased',
  'discarded',
  'superseded',
  'too_large',
  'attempts_used',
  'unreadable',
  'changed',
] as const;

/** Strict: a filter whose name is misspelt would select everything. */
export const replayBody = z
  .strictObject({
    ids: z.array(z.uuid()).min(1).max(100_000).optional(),
    filter: z.strictObject(recordFilter.shape).optional(),
    /** The valid topic unless another allowed one is named. */
    target: searchText.optional(),
    /** Messages a second; null for no limit. */
    rate: z.number().min(0.01).max(1_000_000).nullable().optional(),
    /** The schema version to judge by; the one that the pipeline would take now unless named. */
    schema_version: searchText.optional(),
    dry_run: z.boolean().default(false),
    /** Publish records that a newer message of the same key has overtaken, too. */
    include_superseded: z.boolean().default(false),
    note: searchText.optional(),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    message: 'name either ids or a filter, and not both',
    path: ['ids'],
  });

export const replayReport = z.object({
  selected: z.number().int(),
  /** Counts by forecast; those that do not occur are 0. */
  forecast: z.record(z.string(), z.number().int()),
  /** Up to 20 records that will not pass, with the reason in words. */
  examples: z.array(z.object({ id: z.uuid(), forecast: z.enum(forecasts), message: z.string().nullable() })),
  /** Records that came into quarantine after the plan was frozen and match its filter: not part of it. Counted up to 1,000. */
  new_since: z.number().int(),
  /** What the dry run could not look at, in words; null if all was. */
  gap: z.string().nullable(),
});

export const replayProgress = z.object({
  total: z.number().int(),
  published: z.number().int(),
  failed: z.number().int(),
  remaining: z.number().int(),
  /** The stage of the canary: 1, 10, 100, then all. */
  stage: z.number().int(),
  rate_now: z.number(),
});

/** A plan: a frozen set of records, what was foreseen, and how far it is. */
export const replay = z.object({
  id: z.uuid(),
  state: z.enum(replayStates),
  dry_run: z.boolean(),
  target: z.string(),
  rate: z.number().nullable(),
  schema_version: z.string().nullable(),
  note: z.string().nullable(),
  created_at: z.string(),
  created_by: z.string(),
  started_at: z.string().nullable(),
  started_by: z.string().nullable(),
  finished_at: z.string().nullable(),
  /** Why it paused or failed, in words. */
  reason: z.string().nullable(),
  /** A second person must start it: the plan has more records than one may replay alone. */
  needs_second_person: z.boolean(),
  /** SHA-256 over the ids and payload hashes of the frozen set. */
  set_sha256: z.string(),
  report: replayReport,
  progress: replayProgress,
  /** There when it is done: the summary as signed text (JSON Web Signature), and its parts. */
  summary: z
    .object({ published: z.number(), failed: z.number(), left_out: z.number(), seconds: z.number(), signature: z.string() })
    .nullable(),
});

export const replayId = z.object({ id: z.uuid() });

export const replayPage = pageOf(replay);

export type ReplayState = (typeof replayStates)[number];
export type Forecast = (typeof forecasts)[number];
export type ReplayBody = z.infer<typeof replayBody>;
export type ReplayReport = z.infer<typeof replayReport>;
export type ReplayProgress = z.infer<typeof replayProgress>;
export type Replay = z.infer<typeof replay>;
