import { entriesOf, type Keywords, type Version } from '../schema-document.ts';

/**
 * How a demand of one schema breaks with the other: a stable name for what changed from the older to the newer version, what it means,
 * and what to write instead.
 */
export interface Breach {
  readonly rule: string;
  readonly what: string;
  readonly instead: string;
}

interface Demand {
  /** The version whose demand it is. */
  readonly version: Version;
  readonly keyword: string;
  readonly schema: unknown;
  readonly path: readonly string[];
  /** What the other schema says of the same place. */
  readonly others: readonly Keywords[];
  readonly name?: string;
}

/** The demand, with its place as people write it. */
interface Told extends Demand {
  readonly field: string;
  readonly value: unknown;
  /** What the other schema gives the same keyword, in its branches. */
  readonly before: readonly unknown[];
}

type Teller = (told: Told) => Breach;

/** Names the break that a demand would be, if the other schema lets documents through that do not meet it. */
export function ruleOf(demand: Demand): Breach {
  const { keyword, schema, path, others } = demand;
  const field = path.length === 0 ? 'the document' : `"${fieldOf(path)}"`;
  const value = keyword === 'false' ? false : (schema as Keywords)[keyword];
  const before = others.filter((other) => Object.hasOwn(other, keyword)).map((other) => other[keyword]);
  const told = (tellers[keyword] ?? unknownKeyword)({ ...demand, field, value, before });
  if (demand.version === 'newer') return { ...told, what: told.what.replaceAll('the other schema', 'the older version') };
  const rule = mirrored(told.rule);
  const what = `in the older version, ${told.what.replaceAll('the other schema', 'the newer version')}`;
  return { rule, what, instead: rule === 'property_added' ? openFirst : strictOrLater };
}

const openFirst = 'let consumers move to the newer version before producers use it, or open the content of a version before it is used';
const strictOrLater = 'keep the newer version as strict as the older one, or let consumers move to it before producers do';

const opposites: readonly (readonly [ending: string, opposite: string])[] = [
  ['_narrowed', '_widened'],
  ['_added', '_removed'],
  ['_removed', '_added'],
  ['_closed', '_opened'],
  ['_forbidden', '_allowed'],
];

/** A demand of the older version that the newer one does not make is the opposite change. */
function mirrored(rule: string): string {
  const found = opposites.find(([ending]) => rule.endsWith(ending));
  return found ? rule.slice(0, -found[0].length) + found[1] : rule;
}

function fieldOf(path: readonly string[]): string {
  return path.map((name, index) => (name === '*' || /^\d+$/.test(name) ? `[${name}]` : index === 0 ? name : `.${name}`)).join('');
}

const quoted = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
const listed = (values: readonly unknown[]): string => (values.length === 0 ? 'anything' : values.map(quoted).join(' or '));

/** A limit: what it says of the place, as a word for the thing and its unit. */
function limit(rule: string, phrase: string): Teller {
  return ({ field, value, before }) => ({
    rule,
    what: `${field} must be ${phrase} ${quoted(value)}; the other schema says ${before.length > 0 ? listed(before) : 'no limit'}`,
    instead: before.length > 0 ? `keep the limit at ${listed(before)}, or make it wider` : 'leave the limit out',
  });
}

/** A keyword that the other schema has with another value, or not at all. */
function changed(stem: string, phrase: (value: unknown) => string, instead: string): Teller {
  return ({ field, value, before }) => ({
    rule: `${stem}_${before.length > 0 ? 'changed' : 'added'}`,
    what: `${field} ${phrase(value)}; the other schema ${before.length > 0 ? `says ${listed(before)}` : 'does not ask for that'}`,
    instead,
  });
}

function closed({ field, path, others }: Told): Breach {
  const name = path.at(-1) as string;
  const planned = path.length > 0 && name !== '*' && others.length > 0;
  if (planned) {
    return {
      rule: /^\d+$/.test(name) ? 'item_removed' : 'property_removed',
      what: `${field} is not allowed; the other schema has it`,
      instead: `keep ${field} in the schema, marked as deprecated in its description`,
    };
  }
  if (path.length === 0) return { rule: 'value_forbidden', what: 'no document is allowed', instead: 'give the schema something to allow' };
  if (name !== '*') return { rule: 'value_forbidden', what: `${field} must not be there`, instead: `let ${field} stay optional` };
  const parent = path.length === 1 ? 'the document' : `"${fieldOf(path.slice(0, -1))}"`;
  return {
    rule: 'content_closed',
    what: `${parent} may hold only what the schema names; the other schema lets more through`,
    instead: 'leave additional content open, or name what may come',
  };
}

function typeOf({ field, value, before }: Told): Breach {
  const now = [value].flat();
  const earlier = before.flat();
  const known = (name: unknown) => earlier.includes(name) || (name === 'integer' && earlier.includes('number'));
  const rule = earlier.length === 0 ? 'type_added' : now.every(known) ? 'type_narrowed' : 'type_changed';
  const both = [...new Set([...earlier, ...now])].filter(
    (name) => name !== 'integer' || !(earlier.includes('number') || now.includes('number')),
  );
  const written = both.length === 1 ? `${both[0]}` : `[${both.join(', ')}]`;
  return {
    rule,
    what: `${field} must be ${now.join(' or ')}; the other schema allows ${earlier.length > 0 ? earlier.join(' or ') : 'every type'}`,
    instead: earlier.length > 0 ? `${rule === 'type_narrowed' ? 'keep' : 'allow both:'} type: ${written}` : 'leave the type open',
  };
}

function enumOf({ field, value, before }: Told): Breach {
  const now = new Set((value as unknown[]).map(quoted));
  const gone = [...new Set(before.filter(Array.isArray).flat().map(quoted))].filter((each) => !now.has(each));
  const which = gone.length > 0 ? `; missing: ${gone.join(', ')}` : '';
  return {
    rule: before.length > 0 ? 'enum_narrowed' : 'enum_added',
    what: `${field} must be one of ${now.size} listed values${which}`,
    instead: gone.length > 0 ? `keep ${gone.join(', ')} in the list` : 'leave the list out, or list every value that may still come',
  };
}

function patternOf(told: Told): Breach {
  const { value, before } = told;
  const [earlier] = before;
  const both = `${earlier}|${value}`;
  const isShort = before.length === 1 && both.length <= patternCharactersMax;
  const widen = before.length > 0 ? 'widen the pattern so that it matches all that the other one does' : 'leave the pattern out';
  // A pattern is matched anywhere in a text, so that each side of a bar keeps its own anchors.
  const instead = isShort ? `allow both: pattern: '${both.replaceAll("'", "''")}'` : widen;
  return changed('pattern', (pattern) => `must match ${quoted(pattern)}`, instead)(told);
}

/** What still fits a line beside the rest. */
const patternCharactersMax = 100;

function required({ name, field, path, others }: Told): Breach {
  const whole = path.length === 0 ? `"${name}"` : `"${name}" of ${field}`;
  const planned = others.some((other) => entriesOf(other['properties']).some(([known]) => known === name));
  return {
    rule: 'required_added',
    what: `${whole} is required; the other schema ${planned ? 'has it as optional' : 'does not ask for it'}`,
    instead: `take "${name}" out of required; readers use a default where it is missing`,
  };
}

const unknownKeyword: Teller = ({ keyword, field }) => ({
  rule: 'content_narrowed',
  what: `${field} must meet ${keyword}`,
  instead: 'keep what the other schema allows',
});

const tellers: Readonly<Record<string, Teller>> = {
  false: closed,
  type: typeOf,
  enum: enumOf,
  required,
  const: changed('const', (value) => `must be ${quoted(value)}`, 'use enum with the earlier value beside the new one'),
  minimum: limit('range_narrowed', 'at least'),
  exclusiveMinimum: limit('range_narrowed', 'more than'),
  maximum: limit('range_narrowed', 'at most'),
  exclusiveMaximum: limit('range_narrowed', 'less than'),
  minLength: limit('length_narrowed', 'of a length of at least'),
  maxLength: limit('length_narrowed', 'of a length of at most'),
  minItems: limit('items_narrowed', 'of a number of items of at least'),
  maxItems: limit('items_narrowed', 'of a number of items of at most'),
  minProperties: limit('properties_narrowed', 'of a number of members of at least'),
  maxProperties: limit('properties_narrowed', 'of a number of members of at most'),
  multipleOf: changed('multiple_of', (value) => `must be a multiple of ${quoted(value)}`, 'use a divisor of the earlier one, or none'),
  pattern: patternOf,
  format: changed('format', (value) => `must have the format ${quoted(value)}`, 'describe the format in words, or keep the earlier one'),
  uniqueItems: changed('unique_items', () => 'must not hold an item twice', 'remove doubles where the data is read'),
  contains: changed('contains', () => 'must contain certain items', 'leave contains as it was'),
  propertyNames: changed('property_names', () => 'restricts the names of its members', 'allow every name that the other schema allows'),
  dependencies: changed('dependency', () => 'asks for more when certain members are there', 'let those members come alone'),
  dependentRequired: changed('dependency', () => 'asks for more members when certain ones are there', 'let those members come alone'),
  dependentSchemas: changed('dependency', () => 'must fit another schema when certain members are there', 'let those members come alone'),
  anyOf: changed('union', () => 'must fit one of several schemas', 'keep a branch for what the other schema allows'),
  oneOf: changed(
    'union',
    () => 'must fit exactly one of several schemas',
    'keep one branch, and one only, for what the other schema allows',
  ),
  not: changed('exclusion', () => 'must not fit a certain schema', 'exclude nothing that the other schema allows'),
  if: changed('condition', () => 'must meet a condition', 'let the condition hold for all that the other schema allows'),
  $ref: changed('reference', (value) => `must fit ${quoted(value)}, which refers to itself`, 'keep what the other schema allows there'),
  unevaluatedProperties: changed('closed_content', () => 'may hold only members that are named', 'leave additional content open'),
  unevaluatedItems: changed('closed_content', () => 'may hold only items that are named', 'leave additional content open'),
};
