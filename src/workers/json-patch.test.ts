import { expect, test } from 'vitest';
import { applyPatch, type PatchOperation } from './json-patch.ts';
import { JsonText } from './json-text.ts';

test.each<[string, readonly PatchOperation[], string, string | null]>([
  ['add', [{ op: 'add', path: '/b', value: [1] }], '{"a":1.0}', '{"a":1.0,"b":[1]}'],
  ['add behind an array', [{ op: 'add', path: '/-', value: 2 }], '[1]', '[1,2]'],
  ['replace', [{ op: 'replace', path: '/a~1b', value: 'x' }], '{"a/b":1 , "c":1e1}', '{"a/b":"x" , "c":1e1}'],
  ['replace what is not there', [{ op: 'replace', path: '/b', value: 1 }], '{}', null],
  ['remove', [{ op: 'remove', path: '/0' }], '[1,2]', '[2]'],
  ['move', [{ op: 'move', from: '/a', path: '/b/c' }], '{"a":9007199254740993,"b":{}}', '{"b":{"c":9007199254740993}}'],
  ['move into itself', [{ op: 'move', from: '/a', path: '/a/b' }], '{"a":{}}', null],
  ['copy', [{ op: 'copy', from: '/a', path: '/b' }], '{"a":1.50}', '{"a":1.50,"b":1.50}'],
  ['a test that holds', [{ op: 'test', path: '/a', value: { x: [1] } }], '{"a":{"x":[1]}}', '{"a":{"x":[1]}}'],
  [
    'a test that does not hold',
    [
      { op: 'remove', path: '/b' },
      { op: 'test', path: '/a', value: 2 },
    ],
    '{"a":1,"b":1}',
    null,
  ],
])('%s', (_, patch, before, after) => {
  expect(applyPatch(new JsonText(before), patch)?.text ?? null).toBe(after);
});
