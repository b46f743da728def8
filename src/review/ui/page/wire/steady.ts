/** Rows that are being read, with what is newest of each. */
export interface Steady<T> {
  readonly items: readonly T[];
  /** How many are not among them yet. */
  readonly newcomers: number;
}

/** Nothing may move away under a reader: the rows that are `shown` stay in their places, and only what they say changes. */
export function steady<T>(shown: readonly T[], newest: readonly T[], idOf: (item: T) => string): Steady<T> {
  const left = new Map(newest.map((item) => [idOf(item), item]));
  const items = shown.map((item) => {
    const newer = left.get(idOf(item)) ?? item;
    left.delete(idOf(item));
    return newer;
  });
  return { items, newcomers: left.size };
}
