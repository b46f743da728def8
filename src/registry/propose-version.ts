import semver from 'semver';
import { stringify } from 'yaml';
import { PlacedDocument } from './placed-document.ts';

/** A field that messages hold and a schema does not plan: JSON Pointer and the types it was seen with. */
export interface UnplannedField {
  readonly path: string;
  readonly types: readonly string[];
}

/** A schema file as text, and the fields for which it has no plain place: behind a reference or inside a branch. */
export interface Proposal {
  readonly text: string;
  readonly unplaced: readonly string[];
}

/** The next minor version of a schema file with the fields added as optional ones. */
export function proposeVersion(text: string, file: string, fields: readonly UnplannedField[]): Proposal {
  const content = new PlacedDocument(text, file).value() as Record<string, unknown> & { schema: unknown };
  const schema = structuredClone(content.schema);
  const unplaced: string[] = [];
  // Parents come before their members.
  for (const { path, types } of [...fields].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (!place(schema, path.split('/').slice(1), typeOf(types))) unplaced.push(path);
  }
  const version = semver.inc(content['version'] as string, 'minor');
  return { text: stringify({ ...content, version, schema }, { lineWidth: 120 }), unplaced };
}

/** Several types become a list; whole numbers among others are numbers. */
function typeOf(types: readonly string[]): object {
  const plain = types.includes('number') ? types.filter((type) => type !== 'integer') : types;
  return { type: plain.length === 1 ? plain[0] : plain };
}

function place(schema: unknown, [segment, ...rest]: readonly string[], added: object): boolean {
  if (segment === undefined) return false;
  const keyword = segment === '*' ? 'items' : 'properties';
  if (!isObject(schema) || '$ref' in schema) return false;
  if (segment === '*') {
    // A `*` may also stand for names that are data: those are no field to plan.
    const isList = schema['type'] === 'array' || (Array.isArray(schema['type']) && schema['type'].includes('array'));
    if (!isList) return false;
    schema[keyword] ??= rest.length === 0 ? added : {};
    return rest.length === 0 || place(schema[keyword], rest, added);
  }
  const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
  const members = (schema[keyword] ??= {});
  if (!isObject(members)) return false;
  if (rest.length > 0) return Object.hasOwn(members, name) && place(members[name], rest, added);
  if (!Object.hasOwn(members, name)) members[name] = added;
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
