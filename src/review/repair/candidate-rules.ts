import { nearest } from '../../lib/nearest.ts';
import { formatPointer } from '../../registry/json-pointer.ts';
import type { RemediationRule } from '../../registry/remediation.ts';
import { declaredNames, isPart, type SchemaPart, schemasAt } from '../../workers/schema-places.ts';

/** Why a group's records are in quarantine: the keyword that refused, and where, as segments of a pointer. */
export interface GroupCause {
  readonly keyword: string | null;
  readonly path: readonly string[];
}

/** What can be looked at: the schema's document and some of the messages. */
export interface Evidence {
  readonly schema: unknown;
  readonly values: readonly unknown[];
}

export interface Candidate {
  readonly rule: RemediationRule;
  /** In words. */
  readonly title: string;
}

const keywordsOfNames: ReadonlySet<string | null> = new Set(['additionalProperties', 'unevaluatedProperties', 'propertyNames']);
const castsOf: Readonly<Record<string, 'number' | 'integer' | 'boolean'>> = { number: 'number', integer: 'integer', boolean: 'boolean' };
const textsMax = 50;

/** Rules that may mend a cause. Whether they do is found out by trying them. */
export function candidateRules(cause: GroupCause, evidence: Evidence): Candidate[] {
  if (cause.keyword === 'required' || cause.keyword === 'dependentRequired') return missing(cause, evidence);
  if (keywordsOfNames.has(cause.keyword)) return unplanned(cause, evidence);
  return cause.path.length === 0 ? [] : wrongValue(cause, evidence);
}

/** A text in the place of another type, or one that is nearly right. */
function wrongValue({ path }: GroupCause, { schema, values }: Evidence): Candidate[] {
  const field = fieldOf(path);
  const parts = partsAt(schema, path);
  const types = new Set(parts.flatMap(({ type }) => type as string | string[]));
  const candidates: Candidate[] = [];
  for (const [type, to] of Object.entries(castsOf)) {
    if (types.has(type))
      candidates.push({ rule: { name: `${nameOf(path)}_as_${to}`, do: 'cast', field, to }, title: `Read the text in ${field} as ${to}` });
  }
  if (parts.some(({ format }) => format === 'date-time'))
    candidates.push({
      rule: { name: `${nameOf(path)}_as_time`, do: 'cast', field, to: 'date-time' },
      title: `Write the time in ${field} as RFC 3339 wants it`,
    });
  candidates.push({ rule: { name: `trim_${nameOf(path)}`, do: 'trim', field }, title: `Take the blanks around ${field} away` });
  for (const to of ['lower', 'upper'] as const)
    candidates.push({ rule: { name: `${to}_${nameOf(path)}`, do: 'case', field, to }, title: `Write ${field} in ${to} case` });
  return [...candidates, ...mapped(path, { parts, texts: textsAt(values, path) })];
}

/** Texts that are nearly one of the allowed ones. */
function mapped(path: readonly string[], { parts, texts }: { parts: readonly SchemaPart[]; texts: readonly string[] }): Candidate[] {
  const allowed = parts.flatMap((part) => [part['enum'], part['const']].flat()).filter((one) => typeof one === 'string');
  const meant = new Map(
    texts.flatMap((text): [string, string][] => {
      const near = allowed.includes(text) ? null : nearest(text, allowed);
      return near === null ? [] : [[text, near]];
    }),
  );
  if (meant.size === 0) return [];
  const field = fieldOf(path);
  const rule: RemediationRule = { name: `map_${nameOf(path)}`, do: 'map', field, values: Object.fromEntries(meant) };
  return [{ rule, title: `Put the allowed value that is nearest into ${field}` }];
}

/** A member that is not there: it may be there under a name that is nearly the same, or the schema may say what it is by default. */
function missing({ path }: GroupCause, { schema, values }: Evidence): Candidate[] {
  const name = path.at(-1);
  if (name === undefined) return [];
  const parent = path.slice(0, -1);
  const field = fieldOf(path);
  const declared = declaredNames(partsAt(schema, parent));
  const others = new Set(membersAt(values, parent).filter((other) => !declared.has(other)));
  const near = nearest(name, others);
  const candidates: Candidate[] = [];
  if (near !== null) {
    const rule: RemediationRule = { name: `rename_to_${nameOf(path)}`, do: 'rename', field: fieldOf([...parent, near]), to: name };
    candidates.push({ rule, title: `Rename the member that is nearly "${name}" to it` });
  }
  for (const part of partsAt(schema, path)) {
    const value = part['default'] ?? part['const'];
    if (value === undefined) continue;
    const rule = { name: `default_${nameOf(path)}`, do: 'default', field, value } as RemediationRule;
    candidates.push({ rule, title: `Put the schema's own value into ${field}` });
    break;
  }
  return candidates;
}

/** A member that the schema does not know. */
function unplanned({ path }: GroupCause, { schema, values }: Evidence): Candidate[] {
  const parent = path.slice(0, -1);
  const declared = declaredNames(partsAt(schema, parent));
  const others = [...new Set(membersAt(values, parent))].filter((other) => !declared.has(other));
  const renames = others.slice(0, 5).flatMap((other): Candidate[] => {
    const to = nearest(other, declared);
    if (to === null) return [];
    const rule: RemediationRule = { name: `rename_to_${nameOf([to])}`, do: 'rename', field: fieldOf([...parent, other]), to };
    return [{ rule, title: `Rename the member that is nearly "${to}" to it` }];
  });
  const where = parent.length === 0 ? 'the message' : fieldOf(parent);
  const drop: RemediationRule = { name: 'drop_unplanned', do: 'drop_unplanned', field: parent.length === 0 ? '' : fieldOf(parent) };
  return [...renames, { rule: drop, title: `Drop what the schema does not know from ${where}` }];
}

/** Indexes become `*`: what is wrong in the third item may be wrong in the seventh. */
function fieldOf(path: readonly string[]): string {
  return formatPointer(path.map((segment) => (/^\d+$/.test(segment) ? '*' : segment)));
}

/** Of what a rule's name may be made. */
function nameOf(path: readonly string[]): string {
  const name = (path.at(-1) ?? 'value').toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '_');
  return name.replace(/^[^a-z0-9]+/, '').slice(0, 40) || 'value';
}

function partsAt(schema: unknown, path: readonly string[]): readonly SchemaPart[] {
  return schemasAt(
    schema,
    path.map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment)),
  );
}

/** Everything at a path, in every item where it leads through arrays. */
function valuesAt(values: readonly unknown[], path: readonly string[]): readonly unknown[] {
  let found = values;
  for (const segment of path) {
    found = found.flatMap((value): unknown[] => {
      if (Array.isArray(value)) return value as unknown[];
      return isPart(value) && Object.hasOwn(value, segment) ? [value[segment]] : [];
    });
  }
  return found;
}

function textsAt(values: readonly unknown[], path: readonly string[]): string[] {
  const texts = valuesAt(values, path).filter((value) => typeof value === 'string');
  return [...new Set(texts)].slice(0, textsMax);
}

function membersAt(values: readonly unknown[], path: readonly string[]): string[] {
  return valuesAt(values, path).flatMap((value) => (isPart(value) ? Object.keys(value) : []));
}
