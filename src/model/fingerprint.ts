import { createHash } from 'node:crypto';

/** What makes two faults the same cause. */
export interface Cause {
  readonly schema: string | null;
  /** The JSON Schema keyword that refused, null where no schema did. */
  readonly keyword: string | null;
  /** JSON Pointer with the indexes of arrays written as `*`, so that the third item and the seventh share a cause. */
  readonly foldedPath: string | null;
  /** The kind of the value found, or the error type where no schema looked at a value. */
  readonly kind: string;
}

/** Names a cause: `v1:` and 32 hex digits, the same in every version of the code that writes `v1`. */
export function fingerprintOf({ schema, keyword, foldedPath, kind }: Cause): string {
  const hash = createHash('sha256').update(JSON.stringify([schema, keyword, foldedPath, kind])).digest('hex');
  return `v1:${hash.slice(0, 32)}`;
}
