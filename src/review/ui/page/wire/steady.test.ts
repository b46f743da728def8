import { expect, test } from 'vitest';
import { steady } from './steady.ts';

const row = (id: string, count: number) => ({ id, count });
const idOf = ({ id }: { id: string }) => id;

test('rows keep their places and take the newest values, and what is new is counted only', () => {
  const shown = [row('a', 1), row('b', 2), row('further', 1)];
  const newest = [row('c', 9), row('b', 5), row('a', 1), row('d', 1)];
  expect(steady(shown, newest, idOf)).toEqual({ items: [row('a', 1), row('b', 5), row('further', 1)], newcomers: 2 });
});

test('a list of which nothing newer is known is as it was loaded', () => {
  expect(steady([row('a', 1)], [], idOf)).toEqual({ items: [row('a', 1)], newcomers: 0 });
});
