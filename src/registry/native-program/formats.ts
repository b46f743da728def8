import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { compilePattern, type PatternFlags, type PatternTable } from './pattern-dfa.ts';

/** How the native engine tells a format of strings: by name (cc/formats.cc), by tables that all must match, or not at all. */
export type NativeFormat =
  | { readonly counted: CountedFormat }
  | { readonly tables: readonly PatternTable[] }
  | { readonly declined: string };

/** The formats that cc/formats.cc knows. */
export type CountedFormat = (typeof countedFormats)[number];
const countedFormats = ['date', 'time', 'date-time'] as const;

const known = new Map<string, NativeFormat | null>();

/**
 * The meaning that ajv-formats gives a format, for the native engine. Null where ajv-formats asserts nothing of strings: formats that
 * it does not know, and those that are for numbers or for information.
 */
export function nativeFormat(name: string): NativeFormat | null {
  const found = known.get(name);
  if (found !== undefined) return found;
  const format = formatOf(name);
  if (Object.hasOwn(fullFormats, name)) known.set(name, format);
  return format;
}

function formatOf(name: string): NativeFormat | null {
  if (!Object.hasOwn(fullFormats, name)) return null;
  const counted = countedFormats.find((one) => one === name);
  if (counted) return { counted };
  const format = fullFormats[name as keyof typeof fullFormats];
  if (format === true || (typeof format === 'object' && 'type' in format && format.type === 'number')) return null;
  if (name === 'uri') return uriFormat();
  return format instanceof RegExp ? tablesOf([format]) : { declined: `the format "${name}" is not known to the native engine` };
}

/** ajv-formats does not export the two expressions of its `uri`, so they are read from its text. */
function uriFormat(): NativeFormat {
  const text = readFileSync(createRequire(import.meta.url).resolve('ajv-formats/dist/formats.js'), 'utf8');
  const expressions = [/^const NOT_URI_FRAGMENT = \/(.*)\/;$/m, /^const URI = \/(.*)\/i;$/m].map((line) => line.exec(text)?.[1]);
  const [notFragment, uri] = expressions;
  if (notFragment === undefined || uri === undefined) return { declined: 'the format "uri" is not the one that is known here' };
  return tablesOf([new RegExp(notFragment), new RegExp(uri, 'i')]);
}

function tablesOf(expressions: readonly RegExp[]): NativeFormat {
  const tables: PatternTable[] = [];
  for (const { source, flags } of expressions) {
    if (!['', 'i', 'u', 'iu'].includes(flags)) return { declined: `its expression has the flags "${flags}"` };
    const table = compilePattern(source, flags as PatternFlags);
    if ('declined' in table) return table;
    tables.push(table);
  }
  return { tables };
}
