import type { RegisteredText, SchemaLink, SchemaSource } from '../model/registered-schema.ts';
import { draftName, schemaInvalid } from './compiler.ts';
import { parsePointer } from './json-pointer.ts';
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

/** Where the `$ref` of a referred schema of draft-07 is kept until its siblings are left out. */
const moved = 'the $ref of it';

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
  const added = new Map([...parts].map(([name, part]) => [`reference ${name}`, named(part, name, draft)]));
  const bundled = (members: ReadonlyMap<string, Keywords>) => ({ ...root, [container]: { ...own, ...Object.fromEntries(members) } });
  if ([...added.values()].some((part) => Object.hasOwn(part, moved))) refuseLostTargets(bundled(added), added);
  return bundled(new Map([...added].map(([member, part]) => [member, withoutSiblings(part)])));
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
 * beside a `$ref`, an `$id` neither, so there the reference goes one level down.
 */
function named(part: Keywords | boolean, name: string, draft: string): Keywords {
  if (typeof part === 'boolean') return part ? { $id: name } : { $id: name, not: {} };
  const { $schema, ...rest } = part;
  if ($schema !== undefined && draftName(part) !== draft) {
    const other = draftName(part) === null ? 'a draft that is not known: use draft-07, 2019-09 or 2020-12' : 'another draft';
    throw schemaInvalid({ message: `the reference "${name}" leads to a schema of ${other}`, pointer: null });
  }
  if (draft !== 'draft-07' || !Object.hasOwn(rest, '$ref')) return { ...rest, $id: name };
  const { $ref: reference, ...beside } = rest;
  return { ...beside, $id: name, [moved]: { $ref: reference } };
}

/** What would judge beside a reference that went one level down is left out of `part`, and the reference judges in its place. */
function withoutSiblings(part: Keywords): Keywords {
  if (!Object.hasOwn(part, moved)) return part;
  const { [moved]: reference, ...beside } = part;
  const targets = Object.entries(beside).filter(([keyword]) => !judging.has(keyword));
  return { ...Object.fromEntries(targets), allOf: [reference] };
}

/** Throws if a `$ref` that counts leads to what {@link withoutSiblings} leaves out. `bundle` has it all. */
function refuseLostTargets(bundle: Keywords, parts: ReadonlyMap<string, Keywords>): void {
  const document = new SchemaDocument(bundle, 'newer');
  const nameOf = (pointer: string) => {
    const [container, member = '', keyword = ''] = parsePointer(pointer);
    const part = container === 'definitions' ? parts.get(member) : undefined;
    return part && Object.hasOwn(part, moved) && judging.has(keyword) ? String(part['$id']) : null;
  };
  const places = document.places().filter(({ schema }) => isKeywords(schema) && typeof schema['$ref'] === 'string');
  const holders = new Set(places.map(({ pointer }) => pointer));
  const counts = (pointer: string) => {
    const segments = pointer.split('/');
    return (
      nameOf(pointer) === null &&
      !segments.some((keyword, at) => at > 0 && judging.has(keyword) && holders.has(segments.slice(0, at).join('/')))
    );
  };
  for (const { schema: place, pointer } of places) {
    const reference = (place as Keywords)['$ref'] as string;
    const target = counts(pointer) ? document.resolve(place, '$ref', reference) : null;
    const name = target && nameOf(target.pointer);
    if (name === null) continue;
    const message = `the reference "${name}" leads to a schema that is a $ref itself, and "${reference}" leads to what stands beside that and counts for nothing: move it below "definitions"`;
    throw schemaInvalid({ message, pointer: null });
  }
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw schemaInvalid({ message: `${what} is no JSON`, pointer: null });
  }
}
