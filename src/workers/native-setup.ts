import type { Catalog } from '../registry/catalog.ts';
import type { JudgeLimits } from './read-json.ts';
import type { TopicRules } from './task.ts';

export interface NativeSetup {
  readonly catalog: Catalog;
  /** By schema number: the text of its native program, null for none. */
  readonly programs: readonly (string | null)[];
  readonly topics: readonly TopicRules[];
  readonly limits: JudgeLimits;
}

/**
 * All that the native judge is to know of a catalog, as the JSON that cc/catalog.cc reads: the limits; each name with its newest version's
 * schema number and all of its versions; for each topic the number of its default name, whether it is strict, and the names it then
 * allows; for each schema whether it gives keys, and its program. The order counts: what comes later refers to what came before.
 */
export function nativeSetup({ catalog, programs, topics, limits }: NativeSetup): Buffer {
  const names = catalog.names.map((name) => [
    name,
    catalog.find(name, null),
    catalog.versions(name).flatMap((version) => [version, catalog.find(name, version)]),
  ]);
  const nameOf = (name: string | null) => (name === null ? -1 : catalog.names.indexOf(name));
  const rules = topics.map(({ schema, allowed, strict }) => [
    nameOf(schema),
    // A strict topic without a default and without a list has nothing to be strict about.
    strict && (schema !== null || allowed !== null),
    [schema, ...(allowed ?? [])].map(nameOf).filter((name) => name >= 0),
  ]);
  const schemas = catalog.entries.map(({ key }, number) => `[${key !== null},${programs[number] ?? null}]`);
  const head = JSON.stringify({ ...limits, names, topics: rules });
  return Buffer.from(`${head.slice(0, -1)},"schemas":[${schemas.join()}]}`);
}
