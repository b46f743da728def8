import { expect, test } from 'vitest';
import { type Copy, lateCopies, type Sample } from './late-copies.ts';

/** One source partition and one of the valid topic, looked at once a second. */
const samples: readonly Sample[] = [
  { atMs: 0, committed: [0], validEnds: [0] },
  { atMs: 1_000, committed: [5], validEnds: [6] },
  { atMs: 2_000, committed: [8], validEnds: [9] },
  { atMs: 30_000, committed: [8], validEnds: [9] },
  { atMs: 31_000, committed: [9], validEnds: [12] },
];

const copy = (offset: number, source: number, isRepeat: boolean): Copy => ({
  partition: 0,
  offset,
  source: { partition: 0, offset: source },
  isRepeat,
});

test('a first copy that was there before its source was seen as committed is in order', () => {
  const copies = [copy(0, 0, false), copy(5, 4, false), copy(8, 7, false)];
  expect(lateCopies(copies, samples, 20_000)).toEqual({ afterCommit: [], unexplained: [], repeats: 0, repeatMsMax: 0, looks: 4 });
});

test('a first copy behind the commit of its source is a commit before durability', () => {
  expect(lateCopies([copy(6, 4, false)], samples, 20_000).afterCommit).toEqual([copy(6, 4, false)]);
});

test('a repeat shortly behind the commit is explained by work that was open; one that comes long after is not', () => {
  const found = lateCopies([copy(6, 5, true), copy(8, 4, true), copy(9, 4, true)], samples, 20_000);
  expect(found.unexplained).toEqual([copy(9, 4, true)]);
  expect(found).toMatchObject({ repeats: 3, repeatMsMax: 29_000 });
});

test('what came behind the last look is not judged late', () => {
  expect(lateCopies([copy(12, 8, true)], samples, 20_000)).toMatchObject({ unexplained: [], repeats: 1, repeatMsMax: 0 });
});

test('looks that saw nothing committed are no evidence', () => {
  expect(lateCopies([], samples.slice(0, 1), 20_000).looks).toBe(0);
});
