import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AccessToken } from '../../model/access.ts';
import { createGuard } from './guard.ts';

function token(name: string, text: string): AccessToken {
  return { name, role: 'viewer', payloadRead: false, sha256: createHash('sha256').update(text).digest('hex') };
}

const byToken = createGuard({ mode: 'token', tokens: [token('ann', 'one'), token('bob', 'two')] });
const asked = (authorization: string | undefined) => byToken({ authorization, host: 'example.com' });

test.each([
  ['Bearer one', 'ann'],
  ['bearer  two', 'bob'],
])('%s lets %s in', (authorization, name) => {
  expect(asked(authorization)).toMatchObject({ caller: { name, role: 'viewer', payloadRead: false } });
});

test.each([undefined, '', 'one', 'Basic b25l', 'Bearer', 'Bearer three', 'Bearer one two', `Bearer ${'x'.repeat(5_000)}`, 'Bearer ONE'])(
  'the authorization %s is turned away',
  (authorization) => {
    expect(asked(authorization)).toMatchObject({ status: 401 });
  },
);

test('the hash of a token is not a token', () => {
  expect(asked(`Bearer ${token('ann', 'one').sha256}`)).toMatchObject({ status: 401 });
  expect(asked(`Bearer sha256=${token('ann', 'one').sha256}`)).toMatchObject({ status: 401 });
});

test('without authentication only names of this machine are answered', () => {
  const open = createGuard({ mode: 'none', tokens: [] });
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080'])
    expect(open({ authorization: undefined, host })).toMatchObject({ caller: { role: 'admin' } });
  for (const host of ['evil.example', 'localhost.evil.example:8080', '10.0.0.1', undefined]) {
    expect(open({ authorization: undefined, host })).toMatchObject({ status: 421 });
  }
});

test('a mode that is not built lets nobody in', () => {
  const oidc = createGuard({ mode: 'oidc', tokens: [token('ann', 'one')] });
  expect(oidc({ authorization: 'Bearer one', host: 'localhost' })).toMatchObject({ status: 401 });
});
