import { expect, test } from 'vitest';
import { AuditLog } from '../../store/audit-log.ts';
import { openReviewStage } from '../../testing/review-stage.ts';

test('the session says who asks and what they may', async () => {
  const stage = await openReviewStage();
  expect((await stage.call('/api/v1/session', { as: 'reviewer' })).body).toEqual({
    name: 'reviewer',
    role: 'reviewer',
    payload_read: false,
    mode: 'token',
    csrf_token: null,
    topic_prefixes: [],
  });
  expect(await stage.call('/api/v1/session', { as: null })).toMatchObject({ status: 401, body: { mode: 'token' } });
});

test('a token can be exchanged for a session, which reads by its cookie and changes with its CSRF token, until it is ended', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine([{ offset: 0 }]);
  const opened = await stage.call('/api/v1/session', { method: 'POST', as: null, body: { token: 'reviewer' } });
  expect(opened.status).toBe(200);
  const setCookie = opened.headers.get('set-cookie') ?? '';
  expect(setCookie).toMatch(/^dq-session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = setCookie.split(';')[0] as string;
  const call = (path: string, method: string, headers: Record<string, string> = {}) =>
    stage.call(path, { as: null, method, headers: { cookie, ...headers } });
  expect((await call('/api/v1/session', 'GET')).body).toMatchObject({ name: 'reviewer', csrf_token: opened.body.csrf_token });
  expect((await call(`/api/v1/records/${id}/discard`, 'POST', { 'if-match': '1' })).status).toBe(403);
  const csrf = { 'x-csrf-token': opened.body.csrf_token };
  expect((await call(`/api/v1/records/${id}/discard`, 'POST', { 'if-match': '1', ...csrf })).status).toBe(200);
  expect((await call('/api/v1/session', 'DELETE', csrf)).status).toBe(204);
  expect((await call('/api/v1/session', 'GET')).status).toBe(401);
});

test('a wrong token opens nothing, is written down, and cannot be guessed at for long', async () => {
  const stage = await openReviewStage();
  const guess = () => stage.call('/api/v1/session', { method: 'POST', as: null, body: { token: 'guess' } });
  expect((await guess()).status).toBe(401);
  expect((await stage.call('/api/v1/audit')).body.items).toMatchObject([{ by: 'unknown', action: 'denied' }]);
  const statuses = await Promise.all(Array.from({ length: 25 }, async () => (await guess()).status));
  expect(statuses).toContain(429);
});

test('each role may do what is its own, and what it may not is written down', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine([{ offset: 0 }]);
  const discard = (as: string) => stage.call(`/api/v1/records/${id}/discard`, { method: 'POST', as, headers: { 'if-match': '9' } });
  expect((await discard('viewer')).status).toBe(403);
  expect((await discard('reviewer')).status).toBe(412);
  expect((await stage.call('/api/v1/audit', { as: 'operator' })).status).toBe(403);
  const { status, body } = await stage.call('/api/v1/audit', { as: 'admin' });
  expect(status).toBe(200);
  expect(body.items).toMatchObject([
    { by: 'operator', action: 'denied', detail: { route: 'GET /api/v1/audit', needed: 'admin' } },
    { by: 'viewer', action: 'denied', detail: { route: 'POST /api/v1/records/:id/discard', needed: 'reviewer' } },
  ]);
});

test('who is held to topics is shown neither the audit log, nor drift, nor the settings, nor a trial over all of them', async () => {
  const stage = await openReviewStage();
  const as = 'eu-admin';
  expect((await stage.call('/api/v1/audit', { as })).status).toBe(403);
  expect((await stage.call('/api/v1/drift', { as })).status).toBe(403);
  expect((await stage.call('/api/v1/settings', { as })).status).toBe(403);
  const trial = { method: 'POST', as, body: { schema: {} } };
  expect((await stage.call('/api/v1/schemas/user_event/whatif', trial)).status).toBe(403);
});

test('where browsers find the page says whether a cookie needs TLS', async () => {
  const stage = await openReviewStage({ publicUrl: 'https://dq.example' });
  const opened = await stage.call('/api/v1/session', { method: 'POST', as: null, body: { token: 'viewer' } });
  const cookie = opened.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^__Host-dq-session=[\w-]{43}; .*; Secure; SameSite=Strict$/);
  expect((await stage.call('/api/v1/session', { as: null, headers: { cookie: cookie.split(';')[0] as string } })).status).toBe(200);
});

test('the audit log is a chain that shows every change of it', async () => {
  const stage = await openReviewStage();
  const audit = new AuditLog(stage.database);
  const note = (subject: string) => audit.append({ by: 'ann', role: 'admin', action: 'test', subject, detail: { at: subject } });
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(note));
  const whole = await audit.verify(null);
  expect(whole).toMatchObject({ entries: 5, broken: null });
  await note('f');
  expect(await audit.verify(whole.head)).toMatchObject({ entries: 6, broken: null });
  const query = (sql: string) => stage.database.withClient((client) => client.query(sql));
  for (const sql of ["UPDATE review_audit SET by = 'bob'", 'DELETE FROM review_audit', 'TRUNCATE review_audit'])
    await expect(query(sql)).rejects.toThrow('append-only');
  await query('ALTER TABLE review_audit DISABLE TRIGGER ALL');
  await query("UPDATE review_audit SET by = 'bob' WHERE sequence = 3");
  expect(await audit.verify(null)).toMatchObject({ entries: 2, broken: { sequence: '3' } });
  await query("UPDATE review_audit SET by = 'ann' WHERE sequence = 3");
  await query('DELETE FROM review_audit WHERE sequence = 6');
  expect(await audit.verify(null)).toMatchObject({ entries: 5, broken: null });
  expect((await audit.verify('00')).broken).toMatchObject({ why: expect.stringContaining('no longer on the chain') });
});

test('the interface describes itself, to anybody', async () => {
  const stage = await openReviewStage();
  const { status, body } = await stage.call('/openapi.json', { as: null });
  expect([status, body.openapi]).toEqual([200, '3.1.0']);
  expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/api/v1/records', '/api/v1/records/{id}/payload', '/api/v1/audit']));
});

test('an unknown route of the API is a problem, and every other address the page', async () => {
  const stage = await openReviewStage();
  for (const method of ['GET', 'POST']) {
    const { status, body } = await stage.call('/api/v1/nothing', { method, as: 'viewer' });
    expect([status, body.status]).toEqual([404, 404]);
  }
  expect((await stage.call('/', { as: null })).body).toContain('not built');
});

test('what is configured is shown to operators, not to reviewers', async () => {
  const settings = [{ key: 'http.port', value: '9000', origin: 'DQ_HTTP_PORT', default: '8080', is_default: false, doc: 'The port.' }];
  const stage = await openReviewStage({ settings });
  expect(await stage.call('/api/v1/settings', { as: 'operator' })).toMatchObject({ status: 200, body: { items: settings } });
  expect((await stage.call('/api/v1/settings', { as: 'reviewer' })).status).toBe(403);
});
