import { expect, test } from 'vitest';
import { changedPart } from './changed-part.ts';

test('what differs is found between what is the same', () => {
  expect(changedPart('{"a":"2","b":1}', '{"a":2,"b":1}')).toEqual({ lead: '{"a":', before: '"2"', after: '2', tail: ',"b":1}' });
  expect(changedPart('aaa', 'aa')).toEqual({ lead: 'aa', before: 'a', after: '', tail: '' });
  expect(changedPart('same', 'same')).toEqual({ lead: 'same', before: '', after: '', tail: '' });
});

test('of a long text only the surroundings are kept', () => {
  const { lead, tail } = changedPart(`${'x'.repeat(500)}1${'y'.repeat(500)}`, `${'x'.repeat(500)}2${'y'.repeat(500)}`);
  expect([lead.length, lead[0], tail.length, tail.at(-1)]).toEqual([81, '…', 81, '…']);
});
