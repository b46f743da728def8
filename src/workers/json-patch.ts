import { parsePointer } from '../registry/json-pointer.ts';
import type { JsonText, Segments } from './json-text.ts';

/** An operation of RFC 6902. `json` is the value as it was written, for whoever would lose digits of it otherwise. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown; readonly json?: string | undefined }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

/** A `copy` doubles what it copies: without a limit, twenty of them make a million of one. */
const charactersMax = 16 * 2 ** 20;

/** The text with all operations applied, one after the other; null where one of them cannot be, a `test` does not hold, or it grows too large. */
export function applyPatch(text: JsonText, patch: readonly PatchOperation[]): JsonText | null {
  let patched: JsonText | null = text;
  for (const operation of patch) {
    if (patched === null || patched.text.length > charactersMax) return null;
    patched = applyOperation(patched, operation);
  }
  return patched;
}

function applyOperation(text: JsonText, operation: PatchOperation): JsonText | null {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case 'add':
      return text.insert(path, jsonOf(operation));
    case 'replace':
      return text.replace(path, jsonOf(operation));
    case 'remove':
      return text.remove(path);
    case 'test': {
      const token = text.at(path);
      return token && text.equals(token, jsonOf(operation)) ? text : null;
    }
    case 'copy':
    case 'move': {
      const from = parsePointer(operation.from);
      const token = text.at(from);
      if (!token || (operation.op === 'move' && isInside(path, from))) return null;
      const source = text.source(token);
      const rest = operation.op === 'move' ? text.remove(from) : text;
      return rest?.insert(path, source) ?? null;
    }
  }
}

function jsonOf({ value, json }: { readonly value: unknown; readonly json?: string | undefined }): string {
  return json ?? JSON.stringify(value);
}

/** A value cannot be moved into itself. */
function isInside(path: Segments, from: Segments): boolean {
  return path.length > from.length && from.every((segment, depth) => path[depth] === segment);
}
