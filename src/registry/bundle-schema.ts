import type { RegisteredText, SchemaLink, SchemaSource } from '../model/registered-schema.ts';
import { draftName, schemaInvalid } from './compiler.ts';
import { isKeywords, type Keywords, SchemaDocument } from './schema-document.ts';

/** More schemas than this do not refer to each other by intent. */
const referencesMax = 256;

/** What judges in draft-07. All else is an annotation, or a place where a `$ref` may lead to. */
const judging: ReadonlySet<string> = new Set(
  [
    'type enum const format not if then else allOf anyOf oneOf',
    'multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern',
    'items additionalItems maxItems minItems uniqueItems contains',
    'properties patternProperties additionalProperties propertyNames maxProperties minProperties required dependencies',
  ].flatMap((names) => names.split(' ')),
);

/** Where referred schemas are looked for. */
type ReferenceSource = Pick<SchemaSource, 'version'>;

/**
 * A schema of a registry with all that it refers to in one document: each referred one lies under `$defs` (`definitions` before 2019-09)
 * with the name of the reference as its `$id`, which is what a `$ref` is resolved by. Nothing else is ever fetched for a `$ref`.
 * Throws `DQ_SCHEMA_INVALID` if that cannot be, and what `source` throws.
 */
export async function bundleSchema({ text, references }: RegisteredText, source: ReferenceSource): Promise<unknown> {
  const root = parsed(text, 'the schema');
  if (references.length === 0 || !isKeywords(root)) return root;
  const draft = draftName(root);
  // Whoever compiles it says that the draft is not known. Of the schemas that it refers to nothing can be said then.
  if (draft === null) return root;
  const parts = new Map<string, Keywords | boolean>();
  await collect(references, parts, source);
  const container = draft === 'draft-07' ? 'definitions' : '$defs';
  const own = root[container] as object | undefined;
  const added = [...parts].map(([name, part]): [string, object] => [`reference ${name}`, named(part, name, draft)]);
  return { ...root, [container]: { ...own, ...Object.fromEntries(added) } };
}

/** Names are one space across all levels, as in the registry's own clients: the first schema of a name stands for it. */
async function collect(links: readonly SchemaLink[], parts: Map<string, Keywords | boolean>, source: ReferenceSource): Promise<void> {
  for (const { name, subject, version } of links) {
    if (parts.has(name)) continue;
    const found = await source.version(subject, version);
    if (found === null)
      throw schemaInvalid({ message: `the reference "${name}" leads to ${subject} ${version}, which is not there`, pointer: null });
    const part = parsed(found.text, `the reference "${name}"`);
    if (!isKeywords(part) && typeof part !== 'boolean')
      throw schemaInvalid({
        message: `the reference "${name}" leads to what is no schema: neither an object nor true or false`,
        pointer: null,
      });
    if (parts.size >= referencesMax) throw schemaInvalid({ message: `it refers to more than ${referencesMax} others`, pointer: null });
    parts.set(name, part);
    await collect(found.references, parts, source);
  }
}

/**
 * A referred schema under its name, in a document of `draft`; one that names no draft itself is of that one. In draft-07 nothing counts
 * beside a `$ref`, an `$id` neither, so there the reference goes one level down, and what would judge beside it is left out.
 */
function named(part: Keywords | boolean, name: string, draft: string): object {
  if (typeof part === 'boolean') return part ? { $id: name } : { $id: name, not: {} };
  const { $schema, ...rest } = part;
  if ($schema !== undefined && draftName(part) !== draft) {
    const other = draftName(part) === null ? 'a draft that is not known: use draft-07, 2019-09 or 2020-12' : 'another draft';
    throw schemaInvalid({ message: `the reference "${name}" leads to a schema of ${other}`, pointer: null });
  }
  if (draft !== 'draft-07' || !Object.hasOwn(rest, '$ref')) return { ...rest, $id: name };
  const lost = referenceIntoJudging(rest);
  if (lost !== null) {
    const message = `the reference "${name}" leads to a schema that is a $ref itself, and ${lost} leads to what stands beside that and counts for nothing: move it below "definitions"`;
    throw schemaInvalid({ message, pointer: null });
  }
  const { $ref: reference, ...beside } = rest;
  const targets = Object.entries(beside).filter(([keyword]) => !judging.has(keyword));
  return { ...Object.fromEntries(targets), $id: name, allOf: [{ $ref: reference }] };
}

/** A `$ref` of a schema that leads below one of the keywords which are left out of it, null where there is none. */
function referenceIntoJudging(schema: Keywords): string | null {
  const document = new SchemaDocument(schema, 'newer');
  const isLeftOut = (pointer: string) => judging.has(pointer.split('/')[1] ?? '');
  for (const { schema: place, pointer } of document.places()) {
    const reference = isKeywords(place) && !isLeftOut(pointer) ? place['$ref'] : null;
    if (typeof reference !== 'string') continue;
    const target = document.resolve(place, '$ref', reference);
    if (target !== null && isLeftOut(target.pointer)) return `"${reference}"`;
  }
  return null;
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw schemaInvalid({ message: `${what} is no JSON`, pointer: null });
  }
}
