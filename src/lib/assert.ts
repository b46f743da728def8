/**
 * A broken invariant is a bug of ours: it ends the process and is never retried.
 * Bad input is a {@link Verdict}, a failing neighbour is a {@link DataQuarantineError}; neither belongs here.
 */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** Throws an {@link AssertionFailure} naming `why` unless `condition` holds. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new AssertionFailure(why);
}
