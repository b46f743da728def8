/** Rows that are being read, with what is newest of each. */
export interface Steady<T> {
  readonly items: readonly T[];
  /** How many would be on the list if it were loaded now, and are not shown yet. */
  readonly newcomers: number;
  /** How many are shown, and have left the list or are more than a page below what is shown. */
  readonly gone: number;
}

interface SteadyOptions<T> {
  readonly idOf: (item: T) => string;
  /** How many rows a list has at least when it is loaded, if there are so many. */
  readonly pageLength: number;
}

/**
 * Nothing may move away under a reader: the rows that are `shown` stay in their places, and only what they say changes. `newest` is the same
 * list as it would be loaded now, a page longer than what is shown; null where nothing newer is known.
 */
export function steady<T>(shown: readonly T[], newest: readonly T[] | null, { idOf, pageLength }: SteadyOptions<T>): Steady<T> {
  if (newest === null) return { items: shown, newcomers: 0, gone: 0 };
  const known = new Map(newest.map((item) => [idOf(item), item]));
  const ids = new Set(shown.map(idOf));
  const anew = newest.slice(0, Math.max(shown.length, pageLength));
  return {
    items: shown.map((item) => known.get(idOf(item)) ?? item),
    newcomers: anew.filter((item) => !ids.has(idOf(item))).length,
    gone: shown.filter((item) => !known.has(idOf(item))).length,
  };
}
