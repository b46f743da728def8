import { entriesOf, isKeywords, type Keywords, type Place, SchemaDocument } from './schema-document.ts';

const inPlace = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'];

/**
 * The place of a reference that leads back to itself without going into the value: whoever follows it never comes to an end. Null if
 * there is none.
 */
export function referenceLoop(schema: unknown): string | null {
  const document = new SchemaDocument(schema, 'newer');
  const done = new Set<unknown>();
  for (const place of document.places()) {
    const found = follow(document, place, { done, under: new Set() });
    if (found !== null) return found;
  }
  return null;
}

/** Subschemas that lead to no loop, and those on the way. */
interface Way {
  readonly done: Set<unknown>;
  readonly under: Set<unknown>;
}

function follow(document: SchemaDocument, { schema, pointer }: Place, way: Way): string | null {
  if (!isKeywords(schema) || way.done.has(schema)) return null;
  if (way.under.has(schema)) return pointer;
  way.under.add(schema);
  for (const next of stepsFrom(document, schema, pointer)) {
    const found = follow(document, next, way);
    if (found !== null) return found;
  }
  way.under.delete(schema);
  way.done.add(schema);
  return null;
}

/** The schemas that judge the same value. */
function* stepsFrom(document: SchemaDocument, schema: Keywords, pointer: string): Generator<Place> {
  const target = typeof schema['$ref'] === 'string' ? document.resolve(schema, '$ref', schema['$ref']) : null;
  if (target) yield target;
  if (document.draft === 'draft-07' && '$ref' in schema) return;
  for (const keyword of inPlace) {
    const value = schema[keyword];
    if (!Array.isArray(value)) yield { schema: value, pointer: `${pointer}/${keyword}` };
    else for (const [index, part] of value.entries()) yield { schema: part, pointer: `${pointer}/${keyword}/${index}` };
  }
  for (const [name, part] of entriesOf(schema['dependentSchemas'])) yield { schema: part, pointer: `${pointer}/dependentSchemas/${name}` };
}
