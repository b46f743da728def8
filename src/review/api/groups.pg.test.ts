import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { assert } from '../../lib/assert.ts';
import { systemClock } from '../../lib/clock.ts';
import { silentLog } from '../../observe/log.ts';
import { openReviewStage, type ReviewStage } from '../../testing/review-stage.ts';
import { sendAlerts } from '../groups/webhook.ts';

const missing = { error_message: '"user_id" is required', field_path: 'user_id', fingerprint: 'v1:missing' };
const wrong = { error_message: '"age" must be a number', field_path: 'age', keyword: 'type', fingerprint: 'v1:wrong' };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A webhook that takes what comes, after it has refused the first `refusals`. */
async function openHook(stage: ReviewStage, refusals = 0): Promise<{ events: { type: string; subject: string; id: string }[] }> {
  const events: { type: string; subject: string; id: string }[] = [];
  let left = refusals;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (left-- > 0) return response.writeHead(302, { location: '/elsewhere' }).end();
      expect(request.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
      events.push(JSON.parse(Buffer.concat(chunks).toString()));
      return response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = new AbortController();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const sending = sendAlerts({ url, database: stage.database, clock: systemClock, log: silentLog() }, stop.signal);
  closers.push(async () => {
    stop.abort();
    await sending;
    await new Promise((resolve) => server.close(resolve));
  });
  return { events };
}

const patch = (stage: ReviewStage, fingerprint: string, version: number, body: unknown) =>
  stage.call(`/api/v1/groups/${fingerprint}`, { method: 'PATCH', headers: { 'if-match': String(version) }, body });

test('records are grouped by cause, the most harmful first, with counts by hour and their senders', async () => {
  const stage = await openReviewStage();
  const headers = [{ name: 'producer', value: Buffer.from('web-7') }];
  await stage.quarantine([0, 1, 2].map((offset) => ({ offset, fault: missing, headers })));
  await stage.quarantine([{ offset: 3, fault: wrong }]);
  await stage.quarantine([{ offset: 4, topic: 'eu.orders', fault: { ...missing, schema_version: '1.2.0' } }]);
  const { body } = await stage.call('/api/v1/groups');
  expect(body.items).toMatchObject([{ fingerprint: 'v1:missing' }, { fingerprint: 'v1:wrong' }]);
  expect(body.items[0]).toMatchObject({
    error_type: 'schema_violation',
    error_message: '"user_id" is required',
    schema_versions: ['1.1.0', '1.2.0'],
    topics: ['eu.orders', 'raw-events'],
    count: 4,
    open_count: 4,
    rate_per_minute: 0.4,
    state: 'open',
    version: 1,
  });
  expect(body.items[0].hourly).toHaveLength(24);
  expect((body.items[0].hourly as number[]).reduce((sum, one) => sum + one)).toBe(4);
  expect((await stage.call('/api/v1/groups/v1:missing')).body.producers).toEqual(['web-7']);
  expect((await stage.call('/api/v1/groups', { as: 'eu-admin' })).body.items).toMatchObject([
    { fingerprint: 'v1:missing', count: 1, topics: ['eu.orders'], producers: [] },
  ]);
  expect((await stage.call('/api/v1/groups/v1:missing', { as: 'eu-admin' })).body.producers).toEqual([]);
  expect((await stage.call('/api/v1/groups/v1:wrong', { as: 'eu-admin' })).status).toBe(404);
  expect((await stage.call('/api/v1/groups?q=ages')).body.items).toMatchObject([{ fingerprint: 'v1:wrong' }]);
  for (const sort of ['harm', 'count', 'last_seen', 'first_seen']) {
    const first = await stage.call(`/api/v1/groups?limit=1&sort=${sort}`);
    const second = await stage.call(`/api/v1/groups?limit=1&sort=${sort}&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({
      next_cursor: null,
      items: [{ fingerprint: expect.not.stringMatching(first.body.items[0].fingerprint) }],
    });
  }
});

test('whatever changes records, the counts of their group follow', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine([0, 1, 2].map((offset) => ({ offset, fault: missing })));
  await stage.call(`/api/v1/records/${id}/discard`, { method: 'POST', headers: { 'if-match': '1' } });
  const counts = async () => (await stage.call('/api/v1/groups/v1:missing')).body;
  expect(await counts()).toMatchObject({ count: 3, open_count: 2 });
  await stage.database.withClient((client) =>
    client.query("UPDATE quarantine_records SET status = 'replayed' WHERE status = 'quarantined'"),
  );
  expect(await counts()).toMatchObject({ count: 3, open_count: 0 });
  const { body } = await stage.call('/api/v1/records?facets=1&limit=1');
  expect(body.facets.status).toEqual([
    { value: 'replayed', count: 2 },
    { value: 'discarded', count: 1 },
  ]);
  await stage.database.withClient((client) => client.query('DELETE FROM quarantine_records WHERE id = $1', [id]));
  expect(await counts()).toMatchObject({ count: 2 });
});

test('every record is counted once, however transactions and rounds cross', async () => {
  const stage = await openReviewStage();
  const writers = Array.from({ length: 4 }, async (_, partition) => {
    for (let offset = 0; offset < 40; offset += 1) await stage.quarantine([{ partition, offset, fault: missing }]);
  });
  let writing = true;
  const written = Promise.all(writers).finally(() => {
    writing = false;
  });
  while (writing) await stage.watch.catchUp();
  await written;
  expect((await stage.call('/api/v1/groups/v1:missing')).body.count).toBe(160);
});

test('a group is resolved, regresses with a record of that version, and is archived until a count', async () => {
  const stage = await openReviewStage();
  await stage.quarantine([{ offset: 0, fault: missing }]);
  expect((await stage.call('/api/v1/groups/v1:missing', { method: 'PATCH', body: { state: 'open' } })).status).toBe(428);
  expect((await patch(stage, 'v1:missing', 2, { state: 'resolved' })).status).toBe(412);
  expect((await patch(stage, 'v1:missing', 1, { state: 'archived', resolved_in: '1.2.0' })).status).toBe(400);
  expect((await patch(stage, 'v1:none', 1, { state: 'open' })).status).toBe(404);
  const resolved = await patch(stage, 'v1:missing', 1, { state: 'resolved', resolved_in: '1.2.0' });
  expect([resolved.status, resolved.body.state, resolved.body.version]).toEqual([200, 'resolved', 2]);
  const state = async () => (await stage.call('/api/v1/groups/v1:missing')).body.state;
  await stage.quarantine([{ offset: 1, fault: { ...missing, schema_version: '1.1.9' } }]);
  expect(await state()).toBe('resolved');
  await stage.quarantine([{ offset: 2, fault: { ...missing, schema_version: '1.10.0' } }]);
  expect(await state()).toBe('regressed');
  expect((await patch(stage, 'v1:missing', 3, { state: 'archived', archived_until_count: 2 })).status).toBe(200);
  await stage.quarantine([{ offset: 3, fault: missing }]);
  expect(await state()).toBe('archived');
  await stage.quarantine([{ offset: 4, fault: missing }]);
  expect(await state()).toBe('open');
  await patch(stage, 'v1:missing', 5, { state: 'archived', archived_until: '2020-01-01T00:00:00Z' });
  expect(await state()).toBe('open');
});

test('one alert tells of a new group, one of its return, and one that it is drained; a refusal is tried again, a redirect not followed', async () => {
  const stage = await openReviewStage();
  await stage.watch.catchUp();
  const { events } = await openHook(stage);
  const types = () => events.map(({ type, subject }) => `${type} ${subject}`);
  await stage.quarantine([{ offset: 0, fault: missing }]);
  await stage.watch.catchUp();
  await stage.quarantine([{ offset: 1, fault: missing }]);
  await stage.watch.catchUp();
  await expect.poll(types, { timeout: 20_000 }).toEqual(['dataquarantine.group.new v1:missing']);
  await patch(stage, 'v1:missing', 1, { state: 'resolved' });
  await stage.quarantine([{ offset: 2, fault: missing }]);
  await stage.watch.catchUp();
  await expect.poll(types, { timeout: 20_000 }).toContain('dataquarantine.group.regressed v1:missing');
  await stage.database.withClient((client) => client.query("UPDATE quarantine_records SET status = 'discarded'"));
  await stage.watch.catchUp();
  await stage.watch.catchUp();
  await expect
    .poll(types, { timeout: 20_000 })
    .toEqual([
      'dataquarantine.group.new v1:missing',
      'dataquarantine.group.regressed v1:missing',
      'dataquarantine.group.resolved v1:missing',
    ]);
  const refusing = await openHook(stage, 1);
  await stage.quarantine([{ offset: 9, fault: wrong }]);
  await stage.watch.catchUp();
  await expect
    .poll(() => [...events, ...refusing.events].filter(({ subject }) => subject === 'v1:wrong').length, { timeout: 30_000 })
    .toBe(1);
});

test('the overview counts what waits for somebody, and the live stream repeats it', async () => {
  const stage = await openReviewStage();
  await stage.quarantine([0, 1].map((offset) => ({ offset, fault: missing })));
  await stage.watch.catchUp();
  expect((await stage.call('/api/v1/overview')).body).toMatchObject({ engine: null, open_records: 2, open_groups: 1 });
  const stop = new AbortController();
  const response = await fetch(`${stage.address}/api/v1/live`, { headers: { authorization: 'Bearer viewer' }, signal: stop.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toMatch(/^event: overview\ndata: \{.*"open_records":2.*\}\n\n$/);
  stop.abort();
  await reader?.closed.catch(() => {});
});

test('schemas are shown with their versions, and a candidate is held against the newest', async () => {
  const stage = await openReviewStage();
  await stage.quarantine([{ offset: 0, fault: missing }]);
  await stage.watch.catchUp();
  const { body } = await stage.call('/api/v1/schemas');
  expect(body.items).toContainEqual(expect.objectContaining({ name: 'user_event', open_records: 1 }));
  const versions = await stage.call('/api/v1/schemas/user_event/versions');
  const newest = (versions.body.items as { version: string; schema: { required: string[] } }[]).at(-1);
  assert(newest, 'user_event has versions');
  expect(newest).toMatchObject({
    version: expect.any(String),
    source: expect.stringContaining('name: user_event'),
    schema: { type: 'object' },
  });
  expect((await stage.call('/api/v1/schemas/..%2F..%2Fetc/versions')).status).toBe(404);
  const check = (schema: unknown) => stage.call('/api/v1/schemas/user_event/check', { method: 'POST', body: { schema } });
  expect((await check(newest.schema)).body).toEqual({ against: newest.version, compatible: true, mode: 'backward', findings: [] });
  const broken = await check({ ...newest.schema, required: [...newest.schema.required, 'never_sent'] });
  expect(broken.body).toMatchObject({ compatible: false, findings: [{ rule: 'required_added' }] });
  expect((await check({ type: 'no type' })).status).toBe(422);
  expect((await check(7)).status).toBe(400);
  const statuses = (await Promise.all(Array.from({ length: 6 }, () => check(newest.schema)))).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(2);
  expect(statuses).toContain(429);
});

test('erasure is refused to all but admins, and not built', async () => {
  const stage = await openReviewStage();
  const erase = (as: string) => stage.call('/api/v1/erasures', { method: 'POST', as, body: { subject: 'USER000001' } });
  expect((await erase('operator')).status).toBe(403);
  expect((await erase('admin')).status).toBe(501);
});

test.each([
  ['a rank that no double holds', ['1e999', 'v1:missing', '1700000000000']],
  ['half of a surrogate pair', ['1', '\ud800', '1700000000000']],
])('a cursor with %s is malformed', async (_, parts) => {
  const stage = await openReviewStage();
  const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url');
  const { status, body } = await stage.call(`/api/v1/groups?cursor=${cursor}`);
  expect([status, body.errors]).toMatchObject([400, [{ path: 'querystring.cursor' }]]);
});
