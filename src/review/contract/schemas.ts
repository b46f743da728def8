import { z } from 'zod';
import { compatibilityModes } from '../../model/compatibility-mode.ts';
import { pageOf, pageQuery, searchText } from './page.ts';

export const schemaSummary = z.object({
  name: z.string(),
  newest: z.string(),
  versions: z.number().int(),
  owner: z.string().nullable(),
  description: z.string().nullable(),
  open_records: z.number().int(),
});

export const schemaVersion = z.object({
  version: z.string(),
  source: z.string(),
  schema: z.unknown(),
  rules: z.unknown().nullable(),
  remediation: z.unknown().nullable(),
});

export const schemaName = z.object({ name: z.string().max(128) });

export const schemaPage = pageOf(schemaSummary);
export const schemaVersionPage = pageOf(schemaVersion);

/** A JSON Schema: an object or a boolean. */
export const schemaCandidate = z.object({
  schema: z.union([z.boolean(), z.record(z.string(), z.unknown())]),
  mode: z.enum(compatibilityModes).default('backward'),
});

/** As `dq schemas diff --json` says it, with the version it was held against. */
export const compatibilityReport = z.object({
  against: z.string().nullable(),
  compatible: z.boolean().nullable(),
  mode: z.string(),
  findings: z.array(z.object({ rule: z.string(), path: z.string(), message: z.string(), witness: z.unknown() })),
});

export const whatIfReport = z.object({
  quarantined: z.object({ tried: z.number(), released: z.number(), still_refused: z.number() }),
  valid: z.object({ tried: z.number(), kept: z.number(), newly_refused: z.number() }),
  examples: z.array(z.object({ where: z.string(), message: z.string().nullable(), masked: z.string().nullable() })),
});

export const driftItem = z.object({
  schema_name: z.string(),
  schema_version: z.string(),
  producer: z.string().nullable(),
  kind: z.string(),
  path: z.string(),
  types: z.array(z.string()),
  count: z.number(),
  /** Null for a field that never came. */
  first_seen: z.string().nullable(),
  last_seen: z.string().nullable(),
});

export const driftPage = pageOf(driftItem);
export const driftQuery = pageQuery.extend({ schema: searchText.optional() });

export type SchemaSummary = z.infer<typeof schemaSummary>;
export type SchemaVersion = z.infer<typeof schemaVersion>;
export type CompatibilityReport = z.infer<typeof compatibilityReport>;
export type WhatIfReport = z.infer<typeof whatIfReport>;
export type DriftItem = z.infer<typeof driftItem>;
