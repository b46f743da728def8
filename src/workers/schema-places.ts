import { parsePointer } from '../registry/json-pointer.ts';
import type { JsonPath } from './json-path.ts';

/** A part of a schema that is an object; `true` and `false` say nothing about places. */
export type SchemaPart = Readonly<Record<string, unknown>>;

/** Whoever nests references on purpose gets a shorter answer, never a slow one. */
export const partsMax = 256;

const inPlaceLists = ['allOf', 'anyOf', 'oneOf'] as const;
const inPlaceOnes = ['if', 'then', 'else'] as const;

/**
 * The parts of a schema that may speak about the value at `path`: through references, combinators and conditions, whether or not they
 * hold for the value at hand. References are followed inside the schema by pointer; others are passed over.
 */
export function schemasAt(root: unknown, path: JsonPath): readonly SchemaPart[] {
  let parts = closure(root, [root]);
  for (const segment of path) {
    parts = closure(
      root,
      parts.flatMap((part) => step(part, segment)),
    );
  }
  return parts;
}

/** The part with all that speaks about the same value through it. */
export function inPlace(root: unknown, part: unknown): readonly SchemaPart[] {
  return closure(root, [part]);
}

/** The part that a pointer such as `#/properties/a` of ajv's leads to; undefined where there is none. */
export function partAt(root: unknown, pointer: string): unknown {
  if (!pointer.startsWith('#')) return undefined;
  let part = root;
  for (const segment of parsePointer(decoded(pointer.slice(1)))) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, segment)) return undefined;
    part = (part as Record<string, unknown>)[segment];
  }
  return part;
}

/** The names of members that those parts declare. */
export function declaredNames(parts: readonly SchemaPart[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const part of parts) {
    if (isPart(part['properties'])) for (const name of Object.keys(part['properties'])) names.add(name);
    if (Array.isArray(part['required'])) for (const name of part['required']) names.add(String(name));
  }
  return names;
}

export function isPart(value: unknown): value is SchemaPart {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function closure(root: unknown, starts: readonly unknown[]): readonly SchemaPart[] {
  const found = new Set<SchemaPart>();
  const open: unknown[] = [...starts];
  while (open.length > 0 && found.size < partsMax) {
    const part = open.shift();
    if (!isPart(part) || found.has(part)) continue;
    found.add(part);
    for (const name of inPlaceLists) if (Array.isArray(part[name])) open.push(...(part[name] as unknown[]));
    for (const name of inPlaceOnes) open.push(part[name]);
    for (const name of ['dependentSchemas', 'dependencies']) if (isPart(part[name])) open.push(...Object.values(part[name]));
    if (typeof part['$ref'] === 'string') open.push(partAt(root, part['$ref']));
  }
  return [...found];
}

/** Where a member or an item is described, without a look at what takes precedence: too many parts do no harm. */
function step(part: SchemaPart, segment: string | number): unknown[] {
  if (typeof segment === 'number') {
    const { items, prefixItems, additionalItems, unevaluatedItems, contains } = part;
    const listed = (Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : []) as unknown[];
    const here = segment < listed.length ? [listed[segment]] : [Array.isArray(items) ? additionalItems : items, unevaluatedItems];
    return [...here, contains];
  }
  const { properties, patternProperties, additionalProperties, unevaluatedProperties } = part;
  if (isPart(properties) && Object.hasOwn(properties, segment)) return [properties[segment]];
  const patterns = isPart(patternProperties) ? Object.values(patternProperties) : [];
  return [...patterns, additionalProperties, unevaluatedProperties];
}

function decoded(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}
