import { expect, test } from 'vitest';
import { withoutUrlSecrets } from './mask.ts';

test('several addresses in one text are all masked, and what is no user stays', () => {
  const text = 'a http://u:p@h/x b s3://k@b, c http://h/p@q mail@example.com';
  expect(withoutUrlSecrets(text)).toBe('a http://********@h/x b s3://********@b, c http://h/p@q mail@example.com');
});

test('a password with an at sign in it is masked whole', () => {
  expect(withoutUrlSecrets('postgres://ann:p@ss@db/dq')).toBe('postgres://********@db/dq');
});
