import { isPart, partAt, type SchemaPart } from './schema-places.ts';

/** A member whose allowed values tell alternatives apart. */
export interface Discriminator {
  readonly member: string;
  /** By alternative. */
  readonly values: readonly (readonly unknown[])[];
}

/** References that lead in a circle end here. */
const depthMax = 8;

/** The first member that every one of the alternatives gives a `const` or an `enum`, no value of which two of them share. */
export function discriminatorOf(schema: unknown, alternatives: readonly unknown[]): Discriminator | null {
  const [first] = alternatives;
  for (const member of literalMembers(schema, first)) {
    const values = alternatives.map((alternative) => literalsOf(schema, alternative, member));
    if (values.some((allowed) => allowed.length === 0)) continue;
    const all = values.flat();
    if (new Set(all).size === all.length) return { member, values };
  }
  return null;
}

function literalMembers(schema: unknown, alternative: unknown): ReadonlySet<string> {
  const members = required(schema, alternative).flatMap(({ properties }) => (isPart(properties) ? Object.keys(properties) : []));
  return new Set(members);
}

function literalsOf(schema: unknown, alternative: unknown, member: string): readonly unknown[] {
  for (const { properties } of required(schema, alternative)) {
    if (!isPart(properties) || !Object.hasOwn(properties, member)) continue;
    for (const part of required(schema, properties[member])) {
      const values = Object.hasOwn(part, 'const') ? [part['const']] : Array.isArray(part['enum']) ? (part['enum'] as unknown[]) : [];
      if (values.length > 0 && values.every((value) => typeof value !== 'object' || value === null)) return values;
    }
  }
  return [];
}

/** The part with all that must hold where it holds. */
function required(schema: unknown, part: unknown, depth = 0): readonly SchemaPart[] {
  if (!isPart(part) || depth > depthMax) return [];
  const all = Array.isArray(part['allOf']) ? (part['allOf'] as unknown[]) : [];
  const referred = typeof part['$ref'] === 'string' ? [partAt(schema, part['$ref'])] : [];
  return [part, ...[...referred, ...all].flatMap((inner) => required(schema, inner, depth + 1))];
}
