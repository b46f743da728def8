import { isUtf8 } from 'node:buffer';
import type { ErrorType } from '../model/verdict.ts';
import type { JsonPath } from './json-path.ts';
import { JsonScan } from './json-scan.ts';
import { walkJson } from './walk-json.ts';

/** Limits of one message; a message beyond them is bad, not an error (`limits.*` in docs/settings.md). */
export interface JudgeLimits {
  readonly valueBytes: number;
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Members of all objects together. */
  readonly keys: number;
  /** All headers of a message as packed in its slab. */
  readonly headerBytes: number;
}

export const defaultLimits: JudgeLimits = { valueBytes: 10 * 2 ** 20, depth: 128, keys: 100_000, headerBytes: 64 * 2 ** 10 };

/** Why bytes cannot be taken as a JSON value, before any schema is asked. */
export class Flaw {
  readonly type: ErrorType;
  readonly message: string;
  readonly path: JsonPath | null;

  constructor(type: ErrorType, message: string, path: JsonPath | null = null) {
    this.type = type;
    this.message = message;
    this.path = path;
  }
}

/** Takes the bytes from `start` to `end` as one JSON value, or says what is wrong with them. */
export function readJson(bytes: Buffer, start: number, end: number, limits: JudgeLimits): unknown {
  const size = end - start;
  if (size > limits.valueBytes) return new Flaw('too_large', `expected at most ${limits.valueBytes} bytes`);
  if (size === 0) return new Flaw('malformed_json', 'expected JSON, found an empty value');
  scan.run(bytes, start, end);
  if (!scan.ascii && !isUtf8(bytes.subarray(start, end))) return new Flaw('invalid_utf8', 'expected text in UTF-8');
  if (scan.depth > limits.depth) return new Flaw('too_deep', `expected objects and arrays at most ${limits.depth} deep`);
  const text = bytes.toString(scan.ascii ? 'latin1' : 'utf8', start, end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return brokenJson(text);
  }
  if (scan.members > limits.keys) return new Flaw('too_large', `expected at most ${limits.keys} members, found ${scan.members}`);
  try {
    const flaw = badNames(value, text);
    return flaw === null ? value : flaw;
  } catch (error) {
    if (isStackOverflow(error)) return new Flaw('too_deep', 'expected objects and arrays shallow enough to be followed');
    throw error;
  }
}

/** A limit on depth beyond the default can be set higher than the stack reaches. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack size exceeded');
}

const scan = new JsonScan();

/** V8's own message quotes the text, so it is not passed on. */
function brokenJson(text: string): Flaw {
  if (text.startsWith('\ufeff')) return new Flaw('malformed_json', 'expected JSON without a byte order mark before it');
  const at = walkJson(text, {});
  if (at === text.length) return new Flaw('malformed_json', 'expected JSON, but it ends too early');
  return new Flaw('malformed_json', `expected JSON, but it breaks at byte ${Buffer.byteLength(text.slice(0, at))}`);
}

/** The scan counted every member that is written, parsing keeps one of a name: where the sums differ, one was written twice. */
function badNames(value: unknown, text: string): Flaw | null {
  const repeated = typeof value === 'object' && countMembers(value) !== scan.members;
  if (scan.mayHoldProto && (repeated || holdsProto(value))) {
    // A forbidden name may be gone with a member that was overwritten, so the text has the last word.
    const path = firstMember(text, (name) => name === '__proto__');
    if (path) return new Flaw('forbidden_key', 'expected no member with the name __proto__', path);
  }
  if (!repeated) return null;
  return new Flaw(
    'duplicate_key',
    'expected each member name once in an object',
    firstMember(text, (_, again) => again),
  );
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') members += countMembers(item);
    return members;
  }
  for (const name in value) {
    members += 1;
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner === 'object') members += countMembers(inner);
  }
  return members;
}

function holdsProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(holdsProto);
}

function firstMember(text: string, wanted: (name: unknown, again: boolean) => boolean): JsonPath | null {
  let found: JsonPath | null = null;
  walkJson(text, {
    member: (path, again) => {
      if (wanted(path.at(-1), again)) found = [...path];
      return found !== null;
    },
  });
  return found;
}
