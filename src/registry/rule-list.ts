import { z } from 'zod';
import { DataQuarantineError } from '../lib/errors.ts';
import { isJsonPointer } from './json-pointer.ts';
import type { PlacedDocument } from './placed-document.ts';
import { compileRule, type Rule } from './rules.ts';

const rulesMax = 100;

const ruleList = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'expected lower-case letters, digits, _ and -'),
      check: z.string().min(1, 'expected an expression in CEL').max(4_000),
      message: z.string().min(1, 'expected a text that says what is expected').max(300),
      field: z.string().refine(isJsonPointer, 'expected a JSON Pointer such as /end').default(''),
    }),
  )
  .max(rulesMax);

/** Reads and compiles the `rules` of a schema file. Throws `DQ_SCHEMA_FILE_INVALID` with the place of what is wrong. */
export function parseRules(given: unknown, document: PlacedDocument): readonly Rule[] {
  const refuse = (place: string, why: string) => new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `${place}: ${why}`);
  const read = ruleList.safeParse(given ?? []);
  if (!read.success) {
    const { path, message } = read.error.issues[0] as z.core.$ZodIssue;
    throw refuse(document.placeOf(['rules', ...path.map(String)]), `${path.join('.') || 'rules'}: ${message}`);
  }
  const names = new Set<string>();
  for (const [index, rule] of read.data.entries()) {
    const path = ['rules', String(index)];
    if (names.has(rule.name)) throw refuse(document.placeOf([...path, 'name']), `there is a rule "${rule.name}" before this one`);
    names.add(rule.name);
    const compiled = compileRule(rule);
    if (!('position' in compiled)) continue;
    const place = document.placeInText([...path, 'check'], rule.check, compiled.position);
    throw refuse(place, `the rule "${rule.name}": ${compiled.message}`);
  }
  return read.data;
}
