import { expect, test } from 'vitest';
import { fingerprintOf } from './fingerprint.ts';

/**
 * Reviewers' groups hang on these. A change of one of them is a new prefix (`v2:`), never a new value under an old one.
 */
test.each([
  [{ schema: 'user_event', keyword: 'required', foldedPath: '/user_id', kind: 'object' }, 'v1:051e86617b1756c2e42668c50dfbc9b6'],
  [{ schema: 'order_event', keyword: 'type', foldedPath: '/items/*/sku', kind: 'number' }, 'v1:cc0da583ee4db16eeaf4eda6c1fe9f3f'],
  [{ schema: null, keyword: null, foldedPath: null, kind: 'malformed_json' }, 'v1:f18c1bb4b954ea43c45bd0b85b553e03'],
])('the fingerprint of %j is what it always was', (parts, fingerprint) => {
  expect(fingerprintOf(parts)).toBe(fingerprint);
});
