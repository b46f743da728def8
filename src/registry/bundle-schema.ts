import type { RegisteredText, SchemaLink, SchemaSource } from '../model/registered-schema.ts';
import { schemaInvalid } from './compiler.ts';

/** More schemas than this do not refer to each other by intent. */
const referencesMax = 256;

/**
 * A schema of a registry with all that it refers to in one document: each referred one lies under `$defs` (`definitions` before 2019-09)
 * with the name of the reference as its `$id`, which is what a `$ref` is resolved by. Nothing else is ever fetched for a `$ref`.
 * Throws `DQ_SCHEMA_INVALID` if that cannot be, and what `source` throws.
 */
export async function bundleSchema({ text, references }: RegisteredText, source: SchemaSource): Promise<unknown> {
  const root = parsed(text, 'the schema');
  if (references.length === 0) return root;
  const parts = new Map<string, object>();
  await collect(references, parts, source);
  if (typeof root !== 'object' || root === null) return root;
  const draft = (root as { $schema?: unknown }).$schema;
  const container = typeof draft === 'string' && /draft\/20(19-09|20-12)/.test(draft) ? '$defs' : 'definitions';
  const own = (root as Record<string, unknown>)[container] as object | undefined;
  const added = [...parts].map(([name, part]): [string, object] => [`reference ${name}`, withoutDraft(part, draft, name)]);
  return { ...root, [container]: { ...own, ...Object.fromEntries(added) } };
}

/** Names are one space across all levels, as in the registry's own clients: the first schema of a name stands for it. */
async function collect(links: readonly SchemaLink[], parts: Map<string, object>, source: SchemaSource): Promise<void> {
  for (const { name, subject, version } of links) {
    if (parts.has(name)) continue;
    const found = await source.version(subject, version);
    if (found === null)
      throw schemaInvalid({ message: `the reference "${name}" leads to ${subject} ${version}, which is not there`, pointer: null });
    const part = parsed(found.text, `the reference "${name}"`);
    if (typeof part !== 'object' || part === null)
      throw schemaInvalid({ message: `the reference "${name}" leads to no object`, pointer: null });
    if (parts.size >= referencesMax) throw schemaInvalid({ message: `it refers to more than ${referencesMax} others`, pointer: null });
    parts.set(name, { ...part, $id: name });
    await collect(found.references, parts, source);
  }
}

function withoutDraft(part: object, draft: unknown, name: string): object {
  const { $schema, ...rest } = part as { $schema?: unknown };
  if ($schema === undefined || $schema === draft) return rest;
  throw schemaInvalid({ message: `the reference "${name}" leads to a schema of another draft`, pointer: null });
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw schemaInvalid({ message: `${what} is no JSON`, pointer: null });
  }
}
