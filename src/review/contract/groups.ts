import { z } from 'zod';
import { deadLetterFamilies } from '../../model/dead-letter-family.ts';
import { pageOf, pageQuery, searchText } from './page.ts';

export const groupStates = ['open', 'resolved', 'archived', 'regressed'] as const;

/** `harm` sorts by records still open, weighted by how lately they came. */
export const groupQuery = pageQuery.extend({
  state: z.enum(groupStates).optional(),
  schema: searchText.optional(),
  topic: searchText.optional(),
  family: z.enum(deadLetterFamilies).optional(),
  q: searchText.optional(),
  sort: z.enum(['harm', 'count', 'last_seen', 'first_seen']).default('harm'),
});

/** All records of one cause. */
export const group = z.object({
  fingerprint: z.string(),
  error_type: z.string(),
  /** Who wrote these dead letters; null for records of our own pipeline. */
  family: z.enum(deadLetterFamilies).nullable(),
  /** Of the newest record. */
  error_message: z.string(),
  field_path: z.string().nullable(),
  keyword: z.string().nullable(),
  schema_name: z.string().nullable(),
  schema_versions: z.array(z.string()),
  topics: z.array(z.string()),
  producers: z.array(z.string()),
  count: z.number().int(),
  /** Not yet replayed, discarded or erased. */
  open_count: z.number().int(),
  /** Records a minute over the last ten minutes. */
  rate_per_minute: z.number(),
  /** Records in each of the last 24 hours, oldest first. */
  hourly: z.array(z.number().int()),
  first_seen: z.string(),
  last_seen: z.string(),
  sample_id: z.uuid(),
  state: z.enum(groupStates),
  /** The schema version in which the cause was said to be mended. */
  resolved_in: z.string().nullable(),
  archived_until: z.string().nullable(),
  archived_until_count: z.number().int().nullable(),
  version: z.number().int(),
});

export const groupPage = pageOf(group);

export const groupId = z.object({ fingerprint: searchText });

export const groupPatch = z.strictObject({
  state: z.enum(['open', 'resolved', 'archived']),
  resolved_in: searchText.optional(),
  archived_until: z.iso.datetime({ offset: true }).optional(),
  archived_until_count: z.number().int().positive().optional(),
});

const ruleList = z.array(z.record(z.string(), z.unknown())).min(1).max(50);

/** A repair that the group's own records suggest. */
export const proposal = z.object({
  /** `cast`, `case`, `trim`, `rename`, `map`, `drop_unplanned`, `default`. */
  kind: z.string(),
  /** In words. */
  title: z.string(),
  /** Rules as in the `remediation` of a schema file: what a bulk edit takes. */
  rules: ruleList,
  /** The `remediation` that does the same for messages to come, to be put into the schema file. */
  remediation: z.record(z.string(), z.unknown()),
  sampled: z.number().int(),
  /** How many of the sampled records it makes valid. */
  mended: z.number().int(),
  /** In percent of the sampled. */
  coverage: z.number(),
});

export const proposalList = pageOf(proposal);

/** One change over all open records of a group: what it would do, or did. */
export const bulkEditBody = z
  .object({
    /** RFC 6902. */
    patch: z.array(z.record(z.string(), z.unknown())).min(1).max(100).optional(),
    /** Rules as in the `remediation` of a schema file. */
    rules: ruleList.optional(),
    schema_version: searchText.optional(),
    dry_run: z.boolean().default(true),
    /** Edit records too that have an edit already; they are left alone otherwise. */
    overwrite: z.boolean().default(false),
  })
  .refine(({ patch, rules }) => (patch === undefined) !== (rules === undefined), {
    message: 'give either a patch or rules, and not both',
    path: ['patch'],
  });

export const bulkEdit = z.object({
  records: z.number().int(),
  mended: z.number().int(),
  still_invalid: z.number().int(),
  /** The change did not apply: a place that is not there, a test that failed, a text that is not JSON. */
  unpatchable: z.number().int(),
  /** They were changed by somebody else meanwhile, and left alone. */
  changed: z.number().int(),
  /** They have an edit already. Without `overwrite` they are left alone, and are in no other count but `records`. */
  edited: z.number().int(),
  /** Up to ten of each outcome, before and after; texts are absent without `payload:read`. */
  examples: z.array(
    z.object({
      id: z.uuid(),
      outcome: z.enum(['mended', 'still_invalid', 'unpatchable']),
      before: z.string().optional(),
      after: z.string().optional(),
      message: z.string().nullable(),
    }),
  ),
});

export type GroupState = (typeof groupStates)[number];
export type Group = z.infer<typeof group>;
export type GroupPatch = z.infer<typeof groupPatch>;
export type Proposal = z.infer<typeof proposal>;
export type BulkEditBody = z.infer<typeof bulkEditBody>;
export type BulkEdit = z.infer<typeof bulkEdit>;
