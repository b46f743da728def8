import { frameBytes, isFramed } from '../model/wire-frame.ts';
import { declaredNames, schemasAt } from '../workers/schema-places.ts';

const depthMax = 6;
const itemsMax = 3;
const membersMax = 30;
const valuesMax = 200;

/**
 * The shape of a message, in JSON: members under the names that the schema declares, other names numbered, and in the place of each value
 * its kind. Long arrays and large objects are cut. A message that is no JSON is `null`.
 */
export function maskMessage(value: Buffer | null, schema: unknown): string {
  const masker = { schema, valuesLeft: valuesMax };
  try {
    const text = value?.toString('utf8', isFramed(value) ? frameBytes : 0) ?? 'null';
    return JSON.stringify(mask(JSON.parse(text), [], masker));
  } catch {
    return 'null';
  }
}

interface Masker {
  readonly schema: unknown;
  valuesLeft: number;
}

function mask(value: unknown, path: readonly (string | number)[], masker: Masker): unknown {
  masker.valuesLeft -= 1;
  if (value === null) return null;
  if (typeof value !== 'object') return `<${typeof value}>`;
  if (path.length >= depthMax || masker.valuesLeft <= 0) return Array.isArray(value) ? '<array>' : '<object>';
  if (Array.isArray(value)) {
    const items = value.slice(0, itemsMax).map((item, index) => mask(item, [...path, index], masker));
    return value.length > itemsMax ? [...items, `<${value.length - itemsMax} more>`] : items;
  }
  const declared = declaredNames(schemasAt(masker.schema, path));
  let others = 0;
  const members = Object.entries(value).slice(0, membersMax);
  return Object.fromEntries(
    members.map(([name, inner]) => [declared.has(name) ? name : `<other ${(others += 1)}>`, mask(inner, [...path, name], masker)]),
  );
}
