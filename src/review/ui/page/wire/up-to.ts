import type { Page } from '../../../contract/page.ts';

/** What a list answers at most in one page (docs/review.md). */
const limitMax = 500;

/** The first `length` items of a list, in as few pages as may be asked for. */
export async function upTo<T>(
  length: number,
  load: (page: { readonly limit: number; readonly cursor: string | undefined }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  while (items.length < length) {
    const page = await load({ limit: Math.min(limitMax, length - items.length), cursor });
    items.push(...page.items);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  return items;
}
