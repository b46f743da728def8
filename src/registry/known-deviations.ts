import { formatPointer } from './json-pointer.ts';

type Member = Readonly<Record<string, unknown>>;

/** Where ajv and the standard part ways, as the official test suite shows; docs/json-schema.md lists them with the cases. */
const deviations: readonly { readonly message: string; readonly applies: (schema: Member, draft: string) => boolean }[] = [
  {
    message: '"$dynamicRef" is followed in ajv\'s own way: write "$ref" where one schema is meant',
    applies: (schema) => Object.hasOwn(schema, '$dynamicRef'),
  },
  {
    message: '"$recursiveRef" always leads to the outermost schema: write "$ref" where another one is meant',
    applies: (schema) => Object.hasOwn(schema, '$recursiveRef'),
  },
  {
    message: '"$id" beside "$ref" counts, though draft-07 ignores all that stands beside "$ref"',
    applies: (schema, draft) => isDraft07(draft) && typeof schema['$ref'] === 'string' && typeof schema['$id'] === 'string',
  },
  {
    message: '"unevaluatedItems" does not see what "contains" has found: state the items in "prefixItems" or "items"',
    applies: (schema, draft) => draft.includes('2020-12') && holdsBoth(schema, 'unevaluatedItems', 'contains'),
  },
  {
    message: '"unevaluatedItems" takes all items for evaluated where a branch of "anyOf", "oneOf" or "if" has "items", even one that fails',
    applies: (schema) => Object.hasOwn(schema, 'unevaluatedItems') && branchesOf(schema).some((branch) => mentions(branch, 'items')),
  },
  {
    message: 'where "then" or "else" is missing, "unevaluatedItems" and "unevaluatedProperties" do not see what "if" has found',
    applies: (schema) =>
      unevaluated.some((name) => Object.hasOwn(schema, name)) &&
      [...places(schema, [])].some(([part]) => isOneSided(part) && findsMore(part['if'], schema)),
  },
  {
    message: 'a member with an empty name is never asked for: name it, or leave it out of the list',
    applies: (schema) => requiredLists(schema).some((names) => names.includes('')),
  },
  {
    message: 'no document with a member "__proto__" is ever valid: the service refuses it',
    applies: (schema) =>
      Object.hasOwn(membersOf(schema), '__proto__') || (Array.isArray(schema['required']) && schema['required'].includes('__proto__')),
  },
];

const unevaluated = ['unevaluatedItems', 'unevaluatedProperties'];

function isOneSided(schema: Member): boolean {
  return Object.hasOwn(schema, 'if') && !(Object.hasOwn(schema, 'then') && Object.hasOwn(schema, 'else'));
}

/** May a condition look at something that the schema around it does not name itself? */
function findsMore(condition: unknown, schema: Member): boolean {
  if (Object.hasOwn(schema, 'unevaluatedItems')) return true;
  const named = [...places(condition, [])].flatMap(([part]) => Object.keys(membersOf(part)));
  const unnamed = ['$ref', '$dynamicRef', '$recursiveRef', 'patternProperties', 'additionalProperties', 'unevaluatedProperties'];
  return named.some((name) => !Object.hasOwn(membersOf(schema), name)) || unnamed.some((name) => mentions(condition, name));
}

/** A sentence for each place of a schema at which verdicts can differ from what the standard says. */
export function knownDeviations(schema: unknown): string[] {
  const draft = isMember(schema) && typeof schema['$schema'] === 'string' ? schema['$schema'] : '';
  return [...places(schema, [])].flatMap(([part, path]) =>
    deviations.filter(({ applies }) => applies(part, draft)).map(({ message }) => `at ${formatPointer(path)}: ${message}`),
  );
}

/** The lists of names that must be there, always or beside another one. */
function requiredLists(schema: Member): unknown[][] {
  const dependent = ['dependentRequired', 'dependencies'].flatMap((keyword) =>
    isMember(schema[keyword]) ? Object.values(schema[keyword]) : [],
  );
  return [schema['required'], ...dependent].filter(Array.isArray);
}

function membersOf(schema: Member): object {
  return isMember(schema['properties']) ? schema['properties'] : {};
}

function isDraft07(draft: string): boolean {
  return !draft.includes('2019-09') && !draft.includes('2020-12');
}

function* places(part: unknown, path: readonly string[]): Generator<[Member, readonly string[]]> {
  if (typeof part !== 'object' || part === null) return;
  if (isMember(part)) yield [part, path];
  for (const [name, inner] of Object.entries(part)) yield* places(inner, [...path, name]);
}

function branchesOf(schema: Member): unknown[] {
  return ['anyOf', 'oneOf', 'if', 'then', 'else'].filter((name) => Object.hasOwn(schema, name)).map((name) => schema[name]);
}

function holdsBoth(schema: Member, outer: string, inner: string): boolean {
  return Object.hasOwn(schema, outer) && mentions(schema, inner);
}

function mentions(part: unknown, name: string): boolean {
  return [...places(part, [])].some(([place]) => Object.hasOwn(place, name));
}

function isMember(value: unknown): value is Member {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
