import { pointerNames } from '../parts/format.ts';

type Schema = Record<string, unknown>;
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The schema with a field in it that messages hold and it does not plan, or not with these types. `pointer` is a JSON Pointer with indexes as
 * `*`. Null where the field's place is not in plain `properties` and `items`: there a person must say what is meant.
 */
export function withField(schema: unknown, pointer: string, types: readonly string[]): unknown {
  const copy: unknown = structuredClone(schema);
  const names = pointerNames(pointer);
  const last = names.pop();
  if (last === undefined || last === '*' || types.length === 0) return null;
  let place = copy;
  for (const name of names) place = isSchema(place) ? (name === '*' ? place['items'] : memberOf(place['properties'], name)) : undefined;
  const properties = isSchema(place) ? place['properties'] : undefined;
  if (!isSchema(properties)) return null;
  const planned = memberOf(properties, last);
  if (planned !== undefined && !(isSchema(planned) && planned['type'] !== undefined)) return null;
  const all = [...new Set([planned?.['type'] ?? [], types].flat())];
  // A name such as `__proto__` is a name like any other here.
  const value = { ...planned, type: all.length === 1 ? all[0] : all };
  Object.defineProperty(properties, last, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

function memberOf(properties: unknown, name: string): unknown {
  return isSchema(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
}
