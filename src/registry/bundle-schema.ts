import type { RegisteredText, SchemaLink, SchemaSource } from '../model/registered-schema.ts';
import { draftName, schemaInvalid } from './compiler.ts';

/** More schemas than this do not refer to each other by intent. */
const referencesMax = 256;

/** Where referred schemas are looked for. */
type ReferenceSource = Pick<SchemaSource, 'version'>;

/**
 * A schema of a registry with all that it refers to in one document: each referred one lies under `$defs` (`definitions` before 2019-09)
 * with the name of the reference as its `$id`, which is what a `$ref` is resolved by. Nothing else is ever fetched for a `$ref`.
 * Throws `DQ_SCHEMA_INVALID` if that cannot be, and what `source` throws.
 */
export async function bundleSchema({ text, references }: RegisteredText, source: ReferenceSource): Promise<unknown> {
  const root = parsed(text, 'the schema');
  if (references.length === 0) return root;
  const parts = new Map<string, object>();
  await collect(references, parts, source);
  if (typeof root !== 'object' || root === null) return root;
  const draft = draftName(root);
  const container = draft === 'draft-07' ? 'definitions' : '$defs';
  const own = (root as Record<string, unknown>)[container] as object | undefined;
  const added = [...parts].map(([name, part]): [string, object] => [`reference ${name}`, named(part, name, draft)]);
  return { ...root, [container]: { ...own, ...Object.fromEntries(added) } };
}

/** Names are one space across all levels, as in the registry's own clients: the first schema of a name stands for it. */
async function collect(links: readonly SchemaLink[], parts: Map<string, object>, source: ReferenceSource): Promise<void> {
  for (const { name, subject, version } of links) {
    if (parts.has(name)) continue;
    const found = await source.version(subject, version);
    if (found === null)
      throw schemaInvalid({ message: `the reference "${name}" leads to ${subject} ${version}, which is not there`, pointer: null });
    const part = parsed(found.text, `the reference "${name}"`);
    if (typeof part !== 'object' || part === null)
      throw schemaInvalid({ message: `the reference "${name}" leads to no object`, pointer: null });
    if (parts.size >= referencesMax) throw schemaInvalid({ message: `it refers to more than ${referencesMax} others`, pointer: null });
    parts.set(name, part);
    await collect(found.references, parts, source);
  }
}

/**
 * A referred schema under its name, in a document of `draft`; one that names no draft itself is of that one. In draft-07 nothing counts
 * beside a `$ref`, an `$id` neither, so there the reference goes one level down, and only what it may lead to stays beside it.
 */
function named(part: object, name: string, draft: string | null): object {
  const { $schema, ...rest } = part as Record<string, unknown>;
  if ($schema !== undefined && draftName(part) !== draft)
    throw schemaInvalid({ message: `the reference "${name}" leads to a schema of another draft`, pointer: null });
  if (draft !== 'draft-07' || !Object.hasOwn(rest, '$ref')) return { ...rest, $id: name };
  const targets = Object.entries(rest).filter(([keyword]) => keyword === 'definitions' || keyword === '$defs');
  return { ...Object.fromEntries(targets), $id: name, allOf: [{ $ref: rest['$ref'] }] };
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw schemaInvalid({ message: `${what} is no JSON`, pointer: null });
  }
}
