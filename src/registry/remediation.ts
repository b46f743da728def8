import { z } from 'zod';
import { DataQuarantineError } from '../lib/errors.ts';
import { isJsonPointer } from './json-pointer.ts';
import type { PlacedDocument } from './placed-document.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'expected lower-case letters, digits, _ and -');
const pointer = z.string().refine(isJsonPointer, 'expected a JSON Pointer such as /user_id');
/** A field below the top: the message as a whole cannot be given a name or a default. */
const field = pointer.refine((text) => text !== '', 'expected a field, such as /user_id');

const operation = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: z.json() }),
  z.strictObject({ op: z.literal('remove'), path: field }),
  z.strictObject({ op: z.enum(['move', 'copy']), path: pointer, from: pointer }),
]);

const rule = z.discriminatedUnion('do', [
  z.strictObject({ name, do: z.literal('default'), field, value: z.json() }),
  z.strictObject({ name, do: z.literal('cast'), field, to: z.enum(['number', 'integer', 'boolean', 'date-time']) }),
  z.strictObject({ name, do: z.literal('trim'), field }),
  z.strictObject({ name, do: z.literal('case'), field, to: z.enum(['lower', 'upper']) }),
  z.strictObject({ name, do: z.literal('map'), field, values: z.record(z.string(), z.json()) }),
  z.strictObject({ name, do: z.literal('rename'), field, to: z.string().min(1) }),
  z.strictObject({ name, do: z.literal('drop_unplanned'), field: pointer.default('') }),
  z.strictObject({
    name,
    do: z.literal('patch'),
    patch: z
      .array(operation)
      .min(2)
      .max(50)
      .refine((operations) => operations[0]?.op === 'test', 'expected a "test" as the first operation: a patch says what it is for'),
  }),
]);

const remediation = z.strictObject({
  version: z.int().min(1).default(1),
  enabled: z.boolean().default(false),
  keepOriginal: z.boolean().default(false),
  rules: z.array(rule).max(50).default([]),
});

/** What a list of rules must be, wherever one is given. */
export const remediationRules = z.array(rule).min(1).max(50);

/** One way to mend a message that does not fit its schema. `*` in a field stands for every item of an array. */
export type RemediationRule = z.output<typeof rule>;

/** How messages of a schema version are mended. Nothing is, unless it is enabled. */
export type Remediation = z.output<typeof remediation>;

/** Remediation as people write it: with its defaults left out. */
export type RemediationInput = z.input<typeof remediation>;

/** Reads remediation, or says at which place of it something is wrong. */
export function readRemediation(given: unknown): Remediation | { readonly path: readonly string[]; readonly why: string } {
  const read = remediation.safeParse(given);
  if (!read.success) {
    const { path, message } = read.error.issues[0] as z.core.$ZodIssue;
    return { path: path.map(String), why: `${path.join('.') || 'remediation'}: ${message}` };
  }
  const names = new Set<string>();
  for (const [index, { name: called }] of read.data.rules.entries()) {
    if (names.has(called)) return { path: ['rules', String(index), 'name'], why: `there is a rule "${called}" before this one` };
    names.add(called);
  }
  return read.data;
}

/** Reads the `remediation` of a schema file; null where there is none. Throws `DQ_SCHEMA_FILE_INVALID` with the place of what is wrong. */
export function parseRemediation(given: unknown, document: PlacedDocument): Remediation | null {
  if (given === undefined) return null;
  const read = readRemediation(given);
  if (!('why' in read)) return read;
  throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `${document.placeOf(['remediation', ...read.path])}: ${read.why}`);
}
