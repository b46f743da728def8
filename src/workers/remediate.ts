import { parsePointer } from '../registry/json-pointer.ts';
import type { Remediation, RemediationRule } from '../registry/remediation.ts';
import { applyPatch } from './json-patch.ts';
import { type JsonChange, JsonText, type JsonToken, type Segments } from './json-text.ts';
import { declaredNames, isPart, partsMax, type SchemaPart, schemasAt } from './schema-places.ts';

/** A message after its rules, and which of them changed it, as `name@version`. */
export interface Mended {
  readonly text: string;
  readonly rules: readonly string[];
}

/** Applies the rules in their order, each to what those before it left. Null where none of them changes anything. */
export function remediate(source: string, { version, rules }: Pick<Remediation, 'version' | 'rules'>, schema: unknown): Mended | null {
  let text = new JsonText(source);
  const applied: string[] = [];
  for (const rule of rules) {
    const next = applyRule(text, rule, schema);
    if (next === null || next.text === text.text) continue;
    text = next;
    applied.push(`${rule.name}@${version}`);
  }
  return applied.length === 0 ? null : { text: text.text, rules: applied };
}

function applyRule(text: JsonText, rule: RemediationRule, schema: unknown): JsonText | null {
  if (rule.do === 'patch') return applyPatch(text, rule.patch);
  const segments = parsePointer(rule.field);
  switch (rule.do) {
    case 'default':
      return text.change(inParents(text, segments, (parent, name) => defaultOf(parent, name, JSON.stringify(rule.value))));
    case 'rename':
      return text.change(inParents(text, segments, (parent, name) => renamed(parent, name, rule.to)));
    case 'drop_unplanned':
      return text.change(tokensAt(text.root, segments).flatMap(({ token, path }) => unplanned(token, path, schema)));
    default:
      return text.change(
        tokensAt(text.root, segments).flatMap(({ token }) => {
          const value = token.members || token.items ? null : text.value(token);
          const json = typeof value === 'string' ? written(value, rule) : null;
          return json === null ? [] : [{ start: token.start, end: token.end, json }];
        }),
      );
  }
}

/** What the rule makes of a text, as JSON; null where that is nothing, or not without loss. */
function written(value: string, rule: Extract<RemediationRule, { do: 'cast' | 'trim' | 'case' | 'map' }>): string | null {
  switch (rule.do) {
    case 'trim':
      return ifOther(value, value.trim());
    case 'case':
      return ifOther(value, rule.to === 'lower' ? value.toLowerCase() : value.toUpperCase());
    case 'map':
      return Object.hasOwn(rule.values, value) ? JSON.stringify(rule.values[value]) : null;
    case 'cast':
      return cast(value, rule.to);
  }
}

/** An equal text keeps its escapes. */
function ifOther(before: string, after: string): string | null {
  return before === after ? null : JSON.stringify(after);
}

const castable: Readonly<Record<'number' | 'integer' | 'boolean', RegExp>> = {
  number: /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/,
  integer: /^-?(?:0|[1-9]\d*)$/,
  boolean: /^(?:true|false)$/,
};
const dateTime = /^(\d{4}-\d\d-\d\d)[tT ](\d\d:\d\d:\d\d(?:\.\d+)?) ?([zZ]|[+-]\d\d(?::?\d\d)?)$/;

/** The very characters of the text become the number, so no digit is lost. */
function cast(value: string, to: 'number' | 'integer' | 'boolean' | 'date-time'): string | null {
  if (to !== 'date-time') return castable[to].test(value) && (to === 'boolean' || Number.isFinite(Number(value))) ? value : null;
  const [, date, time, zone = ''] = dateTime.exec(value) ?? [];
  if (date === undefined) return null;
  const offset = zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  return ifOther(value, `${date}T${time}${offset}`);
}

interface Found {
  readonly token: JsonToken;
  readonly path: readonly (string | number)[];
}

/** The values that a field stands for: several where it has a `*`. */
function tokensAt(root: JsonToken, segments: Segments): readonly Found[] {
  let found: readonly Found[] = [{ token: root, path: [] }];
  for (const segment of segments) found = found.flatMap((outer) => childrenOf(outer, segment));
  return found;
}

function childrenOf({ token, path }: Found, segment: string): readonly Found[] {
  if (token.members) {
    const member = token.members.find(({ name }) => name === segment);
    return member ? [{ token: member.value, path: [...path, segment] }] : [];
  }
  const items = (token.items ?? []).map((item, index) => ({ token: item, path: [...path, index] }));
  return segment === '*' ? items : items.filter((_, index) => String(index) === segment);
}

function inParents(
  text: JsonText,
  segments: Segments,
  change: (parent: JsonToken, name: string) => JsonChange | null,
): readonly JsonChange[] {
  const name = segments.at(-1) as string;
  return tokensAt(text.root, segments.slice(0, -1)).flatMap(({ token }) => (token.members ? (change(token, name) ?? []) : []));
}

function defaultOf({ start, members }: JsonToken, name: string, json: string): JsonChange | null {
  if (members?.some((member) => member.name === name)) return null;
  const last = members?.at(-1);
  const at = last ? last.value.end : start + 1;
  return { start: at, end: at, json: `${last ? ',' : ''}${JSON.stringify(name)}:${json}` };
}

function renamed({ members }: JsonToken, from: string, to: string): JsonChange | null {
  const member = members?.find(({ name }) => name === from);
  if (!member || members?.some(({ name }) => name === to)) return null;
  return { start: member.nameStart, end: member.nameEnd, json: JSON.stringify(to) };
}

/** Does it take names by a pattern or by a schema for all others, or refer to a place that is not looked up here? */
function mayDeclareMore({ patternProperties, additionalProperties, unevaluatedProperties, $ref, $dynamicRef }: SchemaPart): boolean {
  if (isPart(patternProperties) || isPart(additionalProperties) || isPart(unevaluatedProperties)) return true;
  return $dynamicRef !== undefined || (typeof $ref === 'string' && $ref !== '#' && !$ref.startsWith('#/'));
}

/** The members that the schema does not declare for this object; none where it takes names by a pattern or by a schema for all others. */
function unplanned({ members }: JsonToken, path: readonly (string | number)[], schema: unknown): readonly JsonChange[] {
  const parts = schemasAt(schema, path);
  const isOpen = parts.length >= partsMax || parts.some(mayDeclareMore);
  const declared = declaredNames(parts);
  if (!members || isOpen || declared.size === 0) return [];
  let kept = false;
  return members.flatMap(({ name, nameStart, value }, index): JsonChange[] => {
    if (declared.has(name)) {
      kept = true;
      return [];
    }
    const [before, after] = [members[index - 1], members[index + 1]];
    if (kept && before) return [{ start: before.value.end, end: value.end, json: '' }];
    return [{ start: nameStart, end: after ? after.nameStart : value.end, json: '' }];
  });
}
