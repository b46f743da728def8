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

/**
 * Since 2019-09 a `$ref` may stand beside `$id`. ajv then follows the reference instead of the schema that holds it, without end, so
 * it goes one level down, where it means the same.
 */
function withReferenceBelow(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { $ref: reference, allOf, ...rest } = schema;
  return { ...rest, allOf: [...(Array.isArray(allOf) ? (allOf as unknown[]) : []), { $ref: reference }] };
}

/** A copy of `schema` that ajv reads as the standard does. Members keep their places, so a JSON Pointer into one is one into both. */
export function withStandardSemantics(schema: unknown, siblingsOfRef: boolean): unknown {
  if (!isObject(schema)) return schema;
  const copy: [string, unknown][] = [];
  const moved = siblingsOfRef && typeof schema['$id'] === 'string' && Object.hasOwn(schema, '$ref') ? withReferenceBelow(schema) : schema;
  for (const [name, value] of Object.entries(moved)) {
    if (foreign.has(name)) continue;
    const inner = (part: unknown) => withStandardSemantics(part, siblingsOfRef);
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
