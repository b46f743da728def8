/**
 * Keywords that ajv gives a meaning of its own although no draft does: they would change a verdict or make a sound schema fail.
 * The standard says that unknown keywords are annotations, so they are taken out before ajv sees them.
 */
const foreign: ReadonlySet<string> = new Set(['nullable', '$async', 'id']);

const oneSchema: ReadonlySet<string> = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const listOfSchemas: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems']);
const mapOfSchemas: ReadonlySet<string> = new Set([
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);

/** A copy of `schema` that ajv reads as the standard does. Members keep their places, so a JSON Pointer into one is one into both. */
export function withStandardSemantics(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const copy: [string, unknown][] = [];
  for (const [name, value] of Object.entries(schema)) {
    if (foreign.has(name)) continue;
    const inner = (part: unknown) => withStandardSemantics(part);
    if (mapOfSchemas.has(name) && isObject(value)) {
      copy.push([name, Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inner(part)]))]);
    } else if (listOfSchemas.has(name) && Array.isArray(value)) copy.push([name, value.map(inner)]);
    else if (oneSchema.has(name)) copy.push([name, inner(value)]);
    else copy.push([name, value]);
  }
  return Object.fromEntries(copy);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
