import { expect, test } from 'vitest';
import { callerOfClaims } from './claims.ts';

const rules = { roleClaim: 'realm.roles', topicClaim: null };

test('the highest role of a claim counts, wherever it lies', () => {
  expect(callerOfClaims({ sub: '1', realm: { roles: ['admin', 'viewer'] } }, rules)).toMatchObject({ role: 'admin', payloadRead: false });
  expect(callerOfClaims({ sub: '1', 'realm.roles': 'viewer', realm: { roles: ['admin'] } }, rules)).toMatchObject({ role: 'viewer' });
  expect(callerOfClaims({ sub: '1', realm: { roles: ['reviewer', 'payload:read'] } }, rules)).toMatchObject({ payloadRead: true });
});

test('without a role, a subject or topics that are asked for, nobody comes in', () => {
  expect(callerOfClaims({ sub: '1', realm: { roles: ['root'] } }, rules)).toBeNull();
  expect(callerOfClaims({ realm: { roles: ['admin'] } }, rules)).toBeNull();
  expect(callerOfClaims({ sub: '1', roles: ['admin'] }, { roleClaim: '__proto__.constructor', topicClaim: null })).toBeNull();
  const byTopic = { roleClaim: 'roles', topicClaim: 'topics' };
  expect(callerOfClaims({ sub: '1', roles: 'admin' }, byTopic)).toBeNull();
  expect(callerOfClaims({ sub: '1', roles: 'admin', topics: [''] }, byTopic)).toBeNull();
  expect(callerOfClaims({ sub: '1', roles: 'admin', topics: ['eu.', 7] }, byTopic)).toMatchObject({ topicPrefixes: ['eu.'] });
});

test('a name says the subject, and nothing that writes over a log line', () => {
  const named = (preferred_username: string) => callerOfClaims({ sub: '7', preferred_username, realm: { roles: 'viewer' } }, rules)?.name;
  expect(named('ann')).toBe('ann (7)');
  expect(named('ann\n\u202eeve')).toBe('ann\ufffd\ufffdeve (7)');
});
