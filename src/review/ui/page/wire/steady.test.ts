import { expect, test } from 'vitest';
import { steady } from './steady.ts';

const row = (id: string, count = 1) => ({ id, count });
const options = { idOf: ({ id }: { id: string }) => id, pageLength: 2 };

test('rows keep their places and take the newest values, and what is new is counted only', () => {
  const shown = [row('a'), row('b', 2), row('c')];
  const newest = [row('new', 9), row('b', 5), row('a', 1), row('c', 7), row('below')];
  expect(steady(shown, newest, options)).toEqual({ items: [row('a'), row('b', 5), row('c', 7)], newcomers: 1, gone: 0 });
});

test('what has left the list stays where it is, and is counted', () => {
  expect(steady([row('a'), row('b')], [row('b', 3)], options)).toEqual({ items: [row('a'), row('b', 3)], newcomers: 0, gone: 1 });
});

test('a list that has room for more on its first page takes whatever is new', () => {
  expect(steady([row('a')], [row('a'), row('new'), row('next page')], options)).toEqual({ items: [row('a')], newcomers: 1, gone: 0 });
});

test('a list of which nothing newer is known is as it was loaded', () => {
  expect(steady([row('a')], null, options)).toEqual({ items: [row('a')], newcomers: 0, gone: 0 });
});
