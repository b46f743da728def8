import { HttpRefusal } from '../../drivers/http/problem.ts';

/** A place in a list, opaque to callers. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** What {@link encodeCursor} was given, each part checked against its pattern; null for no cursor. Anything else is turned away with 400. */
export function decodeCursor(cursor: string | undefined, patterns: readonly RegExp[]): string[] | null {
  if (cursor === undefined) return null;
  const parts = parse(Buffer.from(cursor, 'base64url').toString());
  if (parts.length !== patterns.length || !patterns.every((pattern, at) => isText(parts[at]) && pattern.test(parts[at]))) {
    throw new HttpRefusal(400, 'The request is not as it must be.', {
      errors: [{ path: 'querystring.cursor', message: 'must be the next_cursor of an earlier page, as it was given' }],
    });
  }
  return parts;
}

/** Half of a surrogate pair is none: the database would be asked for something else. */
function isText(part: string | undefined): part is string {
  return part !== undefined && !/\p{Surrogate}/u.test(part);
}

function parse(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.map(String) : [];
  } catch {
    return [];
  }
}

export const uuidPattern: RegExp = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Microseconds since 1970. */
export const momentPattern: RegExp = /^-?\d{1,16}$/;
