import { expect, test } from 'vitest';
import { changedPart } from './changed-part.ts';

test('what differs is found between what is the same', () => {
  expect(changedPart('{"a":"2","b":1}', '{"a":2,"b":1}')).toEqual({ lead: '{"a":', before: '"2"', after: '2', tail: ',"b":1}' });
  expect(changedPart('[[]]', '[]')).toEqual({ lead: '[', before: '[]', after: '', tail: ']' });
  expect(changedPart('same', 'same')).toEqual({ lead: 'same', before: '', after: '', tail: '' });
});

test('a number or a word is shown whole, though its ends are the same', () => {
  expect(changedPart('{"id":"user-051789"}', '{"id":"USER000009"}')).toMatchObject({
    lead: '{"id":"',
    before: 'user-051789',
    after: 'USER000009',
  });
  expect(changedPart('{"n":-15.5}', '{"n":15.5}')).toMatchObject({ lead: '{"n":', before: '-15.5', after: '15.5', tail: '}' });
});

test('of a long text only the surroundings are kept', () => {
  const { lead, tail } = changedPart(`${' '.repeat(500)}1${' '.repeat(500)}`, `${' '.repeat(500)}2${' '.repeat(500)}`);
  expect([lead.length, lead[0], tail.length, tail.at(-1)]).toEqual([81, '…', 81, '…']);
});
