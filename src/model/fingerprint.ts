import { createHash } from 'node:crypto';

/** What makes two faults the same cause. */
export interface Cause {
  readonly schema: string | null;
  /** The JSON Schema keyword that refused, or the error type where no schema did. */
  readonly keyword: string;
  /** JSON Pointer; indexes of arrays are folded, so that the third item and the fourth share a cause. */
  readonly instancePath: string;
  /** The kind of the value found: `string`, `number`, `null` and so on; `none` where there was none. */
  readonly kind: string;
}

const version = 'v1';

/** Names a cause: `v1:` and 32 hex digits, equal for equal causes in every version of the code that writes `v1`. */
export function fingerprintOf({ schema, keyword, instancePath, kind }: Cause): string {
  const folded = instancePath.replaceAll(/\/\d+(?=\/|$)/g, '/*');
  const hash = createHash('sha256').update(JSON.stringify([schema, keyword, folded, kind])).digest('hex');
  return `${version}:${hash.slice(0, 32)}`;
}
