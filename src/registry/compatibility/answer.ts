/**
 * Is there a value that a formula describes? `none` is proven. `some` comes with one; it is not `sure` where a part of the formula is
 * opaque, so that a validator has to have the last word. `open` is all else.
 */
export type Answer =
  | { readonly status: 'none' }
  | { readonly status: 'some'; readonly value: unknown; readonly sure: boolean }
  | { readonly status: 'open' };

export const none: Answer = { status: 'none' };
export const open: Answer = { status: 'open' };

export function some(value: unknown, sure = true): Answer {
  return { status: 'some', value, sure };
}

/** Of several ways to a value, the first sure one; `none` only where there is none in any. */
export function firstOf<Way>(ways: Iterable<Way>, answerOf: (way: Way) => Answer): Answer {
  let best: Answer = none;
  for (const way of ways) {
    const answer = answerOf(way);
    if (answer.status === 'some' && answer.sure) return answer;
    if (answer.status === 'some' || (answer.status === 'open' && best.status === 'none')) best = answer;
  }
  return best;
}
