import type { SchemaIdentity } from './fault.ts';
import { judgeValue } from './judge.ts';
import type { LoadedSchema } from './loaded-catalog.ts';
import { Flaw, isStackOverflow, type JudgeLimits, readJson } from './read-json.ts';
import { type Mended, remediate } from './remediate.ts';

/** Rules read a message once each: a larger one is not worth the time. */
const bytesMax = 256 * 2 ** 10;

/** What the schema's rules make of a message that does not fit, where it fits then; null where it does not, or they change nothing. */
export function mendValue(
  bytes: Buffer,
  schema: SchemaIdentity & Pick<LoadedSchema, 'validate' | 'remediation'>,
  limits: JudgeLimits,
): (Mended & { readonly value: unknown }) | null {
  if (!schema.remediation || bytes.length > bytesMax) return null;
  try {
    const mended = remediate(bytes.toString(), schema.remediation, schema.validate.schema);
    if (!mended) return null;
    const after = Buffer.from(mended.text);
    const value = readJson(after, 0, after.length, limits);
    if (value instanceof Flaw || judgeValue(value, schema.validate, schema)) return null;
    return { ...mended, value };
  } catch (error) {
    if (isStackOverflow(error)) return null;
    throw error;
  }
}
