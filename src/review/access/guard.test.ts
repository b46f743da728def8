import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Admission, Credentials } from '../../drivers/http/admission.ts';
import type { AccessToken, Caller } from '../../model/access.ts';
import { createGuard } from './guard.ts';
import type { Sessions } from './sessions.ts';
import { Tokens } from './tokens.ts';

function token(name: string, text: string): AccessToken {
  return { name, role: 'viewer', payloadRead: false, sha256: createHash('sha256').update(text).digest('hex') };
}

const tokens = new Tokens({ tokens: [token('ann', 'one'), token('bob', 'two')], topicPrefixes: { bob: ['eu.'] } });
const none = new Tokens({ tokens: [], topicPrefixes: {} });
const carla: Caller = { name: 'carla', role: 'reviewer', payloadRead: false, topicPrefixes: [], csrfToken: 'c5rf' };
const sessions = { find: async (cookie: string) => (cookie === 'biscuit' ? carla : null) } as Pick<Sessions, 'find'> as Sessions;
const byToken = createGuard({ mode: 'token', publicUrl: null, tokens, identify: null, sessions });
const open = createGuard({ mode: 'none', publicUrl: null, tokens: none, identify: null, sessions: null });

const asked = (given: Partial<Credentials>): Credentials => ({
  method: 'GET',
  host: 'example.com',
  authorization: undefined,
  origin: undefined,
  cookies: {},
  csrfToken: undefined,
  ...given,
});
const bearer = async (authorization: string | undefined): Promise<Admission> => byToken(asked({ authorization }));

test.each([
  ['Bearer one', 'ann', []],
  ['bearer  two', 'bob', ['eu.']],
])('%s lets %s in', async (authorization, name, topicPrefixes) => {
  expect(await bearer(authorization)).toMatchObject({ caller: { name, role: 'viewer', payloadRead: false, topicPrefixes } });
});

test.each([undefined, '', 'one', 'Basic b25l', 'Bearer', 'Bearer three', 'Bearer one two', `Bearer ${'x'.repeat(20_000)}`, 'Bearer ONE'])(
  'the authorization %s is turned away, with the way to sign in',
  async (authorization) => {
    expect(await bearer(authorization)).toMatchObject({ status: 401, members: { mode: 'token' } });
  },
);

test('the hash of a token is not a token', async () => {
  expect(await bearer(`Bearer ${token('ann', 'one').sha256}`)).toMatchObject({ status: 401 });
  expect(await bearer(`Bearer sha256=${token('ann', 'one').sha256}`)).toMatchObject({ status: 401 });
});

test('without authentication only names of this machine are answered', async () => {
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080'])
    expect(await open(asked({ host }))).toMatchObject({ caller: { role: 'admin' } });
  for (const host of ['evil.example', 'localhost.evil.example:8080', '10.0.0.1', undefined]) {
    expect(await open(asked({ host }))).toMatchObject({ status: 421 });
  }
});

test('without authentication no page from elsewhere changes anything', async () => {
  const change = { method: 'POST', host: 'localhost:8080' };
  expect(await open(asked(change))).toHaveProperty('caller');
  expect(await open(asked({ ...change, origin: 'http://localhost:8080' }))).toHaveProperty('caller');
  for (const origin of ['https://evil.example', 'null', 'http://localhost:8081'])
    expect(await open(asked({ ...change, origin }))).toMatchObject({ status: 403 });
});

test('a cookie is enough to read, and a change needs the token of its session', async () => {
  const cookies = { '__Host-dq-session': 'biscuit' };
  expect(await byToken(asked({ cookies }))).toEqual({ caller: carla });
  expect(await byToken(asked({ cookies, method: 'POST' }))).toMatchObject({ status: 403 });
  expect(await byToken(asked({ cookies, method: 'POST', csrfToken: 'wrong' }))).toMatchObject({ status: 403 });
  expect(await byToken(asked({ cookies, method: 'POST', csrfToken: 'c5rf', origin: 'https://evil.example' }))).toMatchObject({
    status: 403,
  });
  expect(await byToken(asked({ cookies, method: 'POST', csrfToken: 'c5rf' }))).toEqual({ caller: carla });
  expect(await byToken(asked({ cookies: { '__Host-dq-session': 'crumbs' } }))).toMatchObject({ status: 401 });
});

test('a cookie without its prefix counts on this machine alone', async () => {
  const cookies = { 'dq-session': 'biscuit' };
  expect(await byToken(asked({ cookies }))).toMatchObject({ status: 401 });
  expect(await byToken(asked({ cookies, host: 'localhost:8080' }))).toEqual({ caller: carla });
});

test.each([
  ['https://dq.example', 'localhost:8080', '__Host-dq-session'],
  ['http://dq.example', 'dq.example', 'dq-session'],
])('where browsers find the page (%s) says whether its cookie needs TLS, whatever host a request names', async (publicUrl, host, name) => {
  const guard = createGuard({ mode: 'token', publicUrl, tokens, identify: null, sessions });
  expect(await guard(asked({ host, cookies: { [name]: 'biscuit' } }))).toEqual({ caller: carla });
  const other = name === 'dq-session' ? '__Host-dq-session' : 'dq-session';
  expect(await guard(asked({ host, cookies: { [other]: 'biscuit' } }))).toMatchObject({ status: 401 });
});
