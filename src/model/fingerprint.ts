import { createHash } from 'node:crypto';

/** What makes two faults the same cause. */
export interface FingerprintParts {
  readonly schema: string | null;
  /** The JSON Schema keyword that refused, null where no schema did. */
  readonly keyword: string | null;
  /** JSON Pointer with the indexes of arrays written as `*`, so that the third item and the seventh share a cause. */
  readonly foldedPath: string | null;
  /** The kind of the value found, or the error type where no schema looked at a value. */
  readonly kind: string;
}

/** Bad messages come in swarms of one cause, so the last fingerprints are kept. */
const known = new Map<string, string>();
const knownMax = 1_000;

/** Names a cause: `v1:` and 32 hex digits, the same in every version of the code that writes `v1`. */
export function fingerprintOf({ schema, keyword, foldedPath, kind }: FingerprintParts): string {
  const text = JSON.stringify([schema, keyword, foldedPath, kind]);
  const before = known.get(text);
  if (before !== undefined) return before;
  const fingerprint = `v1:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  if (known.size >= knownMax) known.clear();
  known.set(text, fingerprint);
  return fingerprint;
}
