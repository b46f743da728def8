import { expect, test } from 'vitest';
import { upTo } from './up-to.ts';

/** A list of the numbers from 0 on, and how it was asked. */
function numbers(count: number) {
  const asked: [number, string | undefined][] = [];
  const load = async ({ limit, cursor }: { limit: number; cursor: string | undefined }) => {
    asked.push([limit, cursor]);
    const from = Number(cursor ?? 0);
    const to = Math.min(count, from + limit);
    return { items: Array.from({ length: to - from }, (_, at) => from + at), next_cursor: to < count ? String(to) : null };
  };
  return { asked, load };
}

test('as many items as are wanted come in pages of what may be asked for at most', async () => {
  const { asked, load } = numbers(2_000);
  const items = await upTo(620, load);
  expect([items.length, items[0], items.at(-1)]).toEqual([620, 0, 619]);
  expect(asked).toEqual([
    [500, undefined],
    [120, '500'],
  ]);
});

test('a list that ends before is taken whole', async () => {
  const { asked, load } = numbers(3);
  expect(await upTo(100, load)).toEqual([0, 1, 2]);
  expect(asked).toEqual([[100, undefined]]);
});
