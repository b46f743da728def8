import { parsePointer } from './json-pointer.ts';

/** The types that a schema declares for a field; null where it takes any. */
export type PlannedTypes = ReadonlySet<string> | null;

/** What a schema says of fields, by JSON Pointer with indexes and free names as `*`. */
export type PlannedFields = ReadonlyMap<string, PlannedTypes>;

const depthMax = 8;
/** A schema that refers to itself from many places speaks of more fields than anybody can hold. */
const visitsMax = 20_000;
const nested = ['allOf', 'anyOf', 'oneOf'] as const;
const branches = ['then', 'else'] as const;

/**
 * The fields that a schema speaks of, by JSON Pointer with indexes and free names as `*`, as the sampler of messages writes them. Only
 * references inside the schema are followed. What stands under `not` and `if` plans nothing. Null for a schema that speaks of too many.
 */
export function plannedFields(schema: unknown): PlannedFields | null {
  const fields = new Map<string, Set<string> | null>();
  const budget = { left: visitsMax };
  visit(schema, { root: schema, path: '', depth: 0, fields, budget });
  return budget.left < 0 ? null : fields;
}

/** Does the schema speak of the field? A `*` of the schema stands for any name. */
export function plannedTypes(fields: PlannedFields, path: string): PlannedTypes | undefined {
  const exact = fields.get(path);
  if (exact !== undefined) return exact;
  const segments = path.split('/');
  for (const [planned, types] of fields) {
    const wanted = planned.split('/');
    if (wanted.length === segments.length && wanted.every((segment, at) => segment === '*' || segment === segments[at])) return types;
  }
  return undefined;
}

interface Visit {
  readonly root: unknown;
  readonly path: string;
  readonly depth: number;
  readonly fields: Map<string, Set<string> | null>;
  readonly budget: { left: number };
}

function visit(schema: unknown, at: Visit): void {
  const { fields, path, depth } = at;
  if (schema === false || depth > depthMax * 2 || --at.budget.left < 0) return;
  if (!isObject(schema)) return note(fields, path, null);
  if (typeof schema['$ref'] === 'string') visit(referred(at.root, schema['$ref']), { ...at, depth: depth + 1 });
  else note(fields, path, typesOf(schema));
  for (const keyword of nested) for (const branch of listOf(schema[keyword])) visit(branch, { ...at, depth: depth + 1 });
  for (const keyword of branches) if (schema[keyword] !== undefined) visit(schema[keyword], { ...at, depth: depth + 1 });
  if (path.split('/').length > depthMax) return;
  for (const [name, inner] of membersOf(schema)) visit(inner, { ...at, path: `${path}/${name}`, depth: depth + 1 });
}

/** What the members and items of a value are judged by. */
function membersOf(schema: Record<string, unknown>): [string, unknown][] {
  const members: [string, unknown][] = [];
  if (isObject(schema['properties']))
    for (const [name, inner] of Object.entries(schema['properties']))
      members.push([name.replaceAll('~', '~0').replaceAll('/', '~1'), inner]);
  if (isObject(schema['patternProperties'])) for (const inner of Object.values(schema['patternProperties'])) members.push(['*', inner]);
  for (const keyword of ['additionalProperties', 'unevaluatedProperties', 'items', 'additionalItems', 'unevaluatedItems'])
    if (isObject(schema[keyword])) members.push(['*', schema[keyword]]);
  for (const keyword of ['items', 'prefixItems']) for (const inner of listOf(schema[keyword])) members.push(['*', inner]);
  return members;
}

/** Several places may speak of a field: it has the types of all of them, and any type where one names none. */
function note(fields: Visit['fields'], path: string, types: readonly string[] | null): void {
  const known = fields.get(path);
  if (known === null) return;
  fields.set(path, types === null ? (known ?? null) : new Set([...(known ?? []), ...types]));
}

function typesOf({ type }: Record<string, unknown>): string[] | null {
  const types = typeof type === 'string' ? [type] : listOf(type).filter((one) => typeof one === 'string');
  if (types.length === 0) return null;
  return types.includes('number') ? [...types, 'integer'] : types;
}

function referred(root: unknown, reference: string): unknown {
  if (reference.startsWith('#/') || reference === '#') {
    let part: unknown = root;
    for (const segment of parsePointer(decodeURIComponent(reference.slice(1))))
      part = isObject(part) || Array.isArray(part) ? (part as Record<string, unknown>)[segment] : undefined;
    return part;
  }
  const parts = isObject(root) ? [root['definitions'], root['$defs']].filter(isObject).flatMap((defs) => Object.values(defs)) : [];
  return parts.find((part) => isObject(part) && part['$id'] === reference);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
