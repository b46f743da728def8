import { walkJson } from './walk-json.ts';

/**
 * The text at `pointer` that becomes the key of a keyless message: a string's characters, `true` or `false`, or a number as it is
 * written in the source, so that no digit is lost. Null where there is nothing, null, an array or an object. `source` gives the
 * JSON text and is asked only for a number.
 */
export function keyText(root: unknown, pointer: readonly string[], source: () => string): string | null {
  let value = root;
  for (const segment of pointer) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return null;
    if (Array.isArray(value) && segment === 'length') return null;
    value = (value as Record<string, unknown>)[segment];
  }
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' ? spellingAt(source(), pointer) : null;
}

function spellingAt(text: string, pointer: readonly string[]): string | null {
  let spelling: string | null = null;
  walkJson(text, {
    scalar: (path, start, end) => {
      if (path.length !== pointer.length || path.some((segment, depth) => String(segment) !== pointer[depth])) return false;
      spelling = text.slice(start, end);
      return true;
    },
  });
  return spelling;
}
