import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { openReviewStage, type ReviewStage, type StageRecord } from '../../testing/review-stage.ts';

const noon = Date.UTC(2026, 10, 3, 12);
const records = (count: number, overrides: Partial<StageRecord> = {}): StageRecord[] =>
  Array.from({ length: count }, (_, offset) => ({ offset, quarantinedAt: noon + offset, ...overrides }));
const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);

/** The ids of all pages of a list, one request a page. */
async function followed(stage: ReviewStage, path: string, between: () => Promise<unknown> = async () => {}): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await stage.call(`${path}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    ids.push(...idsOf(body.items));
    cursor = body.next_cursor;
    await between();
  }
  return ids;
}

test('records are listed newest first, fifty unless asked otherwise', async () => {
  const stage = await openReviewStage();
  const ids = await stage.quarantine(records(60));
  const { status, body } = await stage.call('/api/v1/records');
  expect(status).toBe(200);
  expect(idsOf(body.items)).toEqual(ids.slice(10).reverse());
  expect(body.items[0]).toMatchObject({
    topic: 'raw-events',
    offset: '59',
    key: 'USER000001',
    status: 'quarantined',
    version: 1,
    attempts: 0,
  });
});

test('pages neither skip nor repeat a record while others arrive', async () => {
  const stage = await openReviewStage();
  const ids = await stage.quarantine(records(100, { quarantinedAt: noon }));
  let more = 1_000;
  const arriving = () =>
    stage.quarantine([
      { offset: more++, quarantinedAt: noon },
      { offset: more++, quarantinedAt: noon + more },
    ]);
  const seen = await followed(stage, '/api/v1/records?limit=7', arriving);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
});

test('each filter selects by what it names, and facets count what is selected', async () => {
  const stage = await openReviewStage();
  const [plain] = await stage.quarantine([{ offset: 0, quarantinedAt: noon }]);
  const [other] = await stage.quarantine([
    {
      topic: 'orders',
      offset: 0,
      key: 'ORDER-77',
      quarantinedAt: noon + 60_000,
      fault: {
        error_type: 'malformed_json',
        error_message: 'expected a 100%_sure value',
        field_path: 'lines[2].sku',
        schema_name: null,
        schema_version: null,
        keyword: null,
      },
    },
  ]);
  const selected = async (query: string) => idsOf((await stage.call(`/api/v1/records?${query}`)).body.items);
  for (const query of [
    'topic=orders',
    'error_type=malformed_json',
    'field=lines[2].sku',
    'from=2026-11-03T12:00:30Z',
    'q=100%25_SURE',
    'q=sku value',
    'q=order-7',
  ])
    expect(await selected(query), query).toEqual([other]);
  for (const query of ['schema=user_event', 'to=2026-11-03T13:00:30%2B01:00', 'topic=raw-events&status=quarantined', 'q=user_id'])
    expect(await selected(query), query).toEqual([plain]);
  expect(await selected('status=discarded')).toEqual([]);
  expect(await selected('q=100x_sure')).toEqual([]);
  const { body } = await stage.call('/api/v1/records?facets=1&limit=1');
  expect(body.facets).toEqual({
    status: [{ value: 'quarantined', count: 2 }],
    schema: expect.arrayContaining([
      { value: null, count: 1 },
      { value: 'user_event', count: 1 },
    ]),
    error_type: expect.arrayContaining([
      { value: 'malformed_json', count: 1 },
      { value: 'schema_violation', count: 1 },
    ]),
    topic: expect.arrayContaining([
      { value: 'orders', count: 1 },
      { value: 'raw-events', count: 1 },
    ]),
    family: [{ value: null, count: 2 }],
  });
});

test.each(['limit=0', 'limit=501', 'limit=many', 'status=odd', 'from=yesterday', 'cursor=abc', 'facets=2', 'q=%00', 'cursor='])(
  'the query %s is malformed, and the problem names the place',
  async (query) => {
    const stage = await openReviewStage();
    const { status, headers, body } = await stage.call(`/api/v1/records?${query}`);
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ status: 400, errors: [{ path: `querystring.${query.split('=')[0]}`, message: expect.any(String) }] });
  },
);

test('one record shows its neighbours, headers and history', async () => {
  const stage = await openReviewStage();
  const headers = [
    { name: 'trace', value: Buffer.from('abc') },
    { name: 'raw', value: Buffer.from([0xff]) },
  ];
  const [before, one, after] = await stage.quarantine(records(3, { headers }));
  await stage.call(`/api/v1/records/${one}/payload`);
  const answer = await stage.call(`/api/v1/records/${one}`);
  expect(answer.headers.get('etag')).toBe('"1"');
  expect(answer.body).toMatchObject({
    id: one,
    neighbours: { before, after },
    headers: [
      { name: 'trace', value: 'abc' },
      { name: 'raw', value: null, value_base64: '/w==' },
    ],
    history: [{ by: 'admin', action: 'payload.read' }],
  });
  expect((await stage.call('/api/v1/records/0189d6c8-0000-5000-8000-000000000000')).status).toBe(404);
  expect((await stage.call('/api/v1/records/none')).status).toBe(400);
});

test('a payload comes byte for byte, as a file that no browser runs, and the audit log says who read it', async () => {
  const stage = await openReviewStage();
  const value = '{"a":1.0, "b":"<script>alert(1)</script>\u202e"}';
  const [id] = await stage.quarantine([{ offset: 0, value }]);
  const { status, headers, body } = await stage.call(`/api/v1/records/${id}/payload`);
  expect([status, body]).toEqual([200, value]);
  expect(headers.get('content-type')).toBe('application/octet-stream');
  expect(headers.get('content-disposition')).toBe(`attachment; filename="${id}.bin"`);
  expect(headers.get('content-security-policy')).toContain('sandbox');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  const { body: audit } = await stage.call('/api/v1/audit?action=payload.read');
  expect(audit.items).toMatchObject([{ by: 'admin', role: 'admin', subject: id }]);
});

test('a payload that is not to be had has a named state, and the record its page', async () => {
  const stage = await openReviewStage();
  const [kept, left, lost] = await stage.quarantine(records(3));
  await stage.database.withClient(async (client) => {
    await client.query("UPDATE quarantine_records SET storage_path = 'kafka:raw-events/0/1' WHERE id = $1", [left]);
    await client.query("UPDATE quarantine_records SET storage_path = 'raw-events/none.seg#100+3' WHERE id = $1", [lost]);
  });
  const stateOf = async (id: unknown, as = 'admin+payload') => (await stage.call(`/api/v1/records/${id}`, { as })).body.payload_state;
  expect(await Promise.all([kept, left, lost].map((id) => stateOf(id)))).toEqual(['stored', 'away', 'unreadable']);
  expect(await Promise.all([kept, left, lost].map((id) => stateOf(id, 'viewer')))).toEqual(['stored', 'in_source', 'stored']);
  expect((await stage.call(`/api/v1/records/${left}/payload`)).status).toBe(503);
  expect(await stage.call(`/api/v1/records/${lost}/payload`)).toMatchObject({ status: 410, body: { payload_state: 'unreadable' } });
  const edit = { method: 'POST', body: { value: '{}' }, headers: { 'if-match': '1' } };
  expect(await stage.call(`/api/v1/records/${lost}/edits`, edit)).toMatchObject({ status: 410, body: { payload_state: 'unreadable' } });
});

test('a change needs the version that its maker has seen', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine(records(1));
  const patch = (headers: Record<string, string>, body: unknown = { status: 'in_review' }) =>
    stage.call(`/api/v1/records/${id}`, { method: 'PATCH', as: 'reviewer', headers, body });
  expect((await patch({})).status).toBe(428);
  expect((await patch({ 'if-match': '2' })).status).toBe(412);
  expect((await patch({ 'if-match': '*' })).status).toBe(412);
  expect((await patch({ 'if-match': '1' }, { status: 'replayed' })).status).toBe(400);
  const changed = await patch({ 'if-match': '1' });
  expect([changed.status, changed.headers.get('etag'), changed.body.status, changed.body.version]).toEqual([200, '"2"', 'in_review', 2]);
  expect((await patch({ 'if-match': '"1"' })).status).toBe(412);
  expect((await patch({ 'if-match': '"2"' }, { status: 'quarantined' })).body.version).toBe(3);
  const discard = await stage.call(`/api/v1/records/${id}/discard`, { method: 'POST', headers: { 'if-match': '3' } });
  expect([discard.status, discard.body.status]).toEqual([200, 'discarded']);
  const audited = await stage.call(`/api/v1/audit?subject=${id}`);
  expect(audited.body.items).toMatchObject(['discarded', 'quarantined', 'in_review'].map((to) => ({ detail: { to } })));
});

test('of changes at once to one version a single one is made', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine(records(1));
  const options = { method: 'PATCH', headers: { 'if-match': '1' }, body: { status: 'in_review' } };
  const answers = await Promise.all(Array.from({ length: 8 }, () => stage.call(`/api/v1/records/${id}`, options)));
  expect(answers.map(({ status }) => status).sort((one, other) => one - other)).toEqual([200, ...Array.from({ length: 7 }, () => 412)]);
});

test('without payload:read keys, headers and bytes are masked, and a search cannot guess them', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine([{ offset: 0, key: 'SECRET-KEY', headers: [{ name: 'h', value: Buffer.from('v') }] }]);
  const { body } = await stage.call('/api/v1/records', { as: 'admin' });
  expect(body.items[0]).toMatchObject({ id, key: null, key_base64: null });
  expect((await stage.call(`/api/v1/records/${id}`, { as: 'admin' })).body).toMatchObject({ key: null, headers: [] });
  expect((await stage.call(`/api/v1/records/${id}/payload`, { as: 'admin' })).status).toBe(403);
  expect((await stage.call('/api/v1/records?q=SECRET', { as: 'admin' })).body.items).toEqual([]);
  expect((await stage.call('/api/v1/records?q=SECRET')).body.items).toHaveLength(1);
});

test('who is held to topics sees and changes no others', async () => {
  const stage = await openReviewStage();
  const [us] = await stage.quarantine([{ offset: 0, topic: 'us.orders' }]);
  const [eu] = await stage.quarantine([{ offset: 0, topic: 'eu.orders' }]);
  const as = 'eu-admin';
  const { body } = await stage.call('/api/v1/records?facets=1', { as });
  expect(idsOf(body.items)).toEqual([eu]);
  expect(body.facets.topic).toEqual([{ value: 'eu.orders', count: 1 }]);
  expect((await stage.call('/api/v1/records?topic=us.orders', { as })).body.items).toEqual([]);
  expect((await stage.call(`/api/v1/records/${us}`, { as })).status).toBe(404);
  expect((await stage.call(`/api/v1/records/${us}/payload`, { as })).status).toBe(404);
  const patch = { method: 'PATCH', as, headers: { 'if-match': '1' }, body: { status: 'discarded' } };
  expect((await stage.call(`/api/v1/records/${us}`, patch)).status).toBe(404);
});

test('a list comes as a table that no spreadsheet calculates, and the audit log says so', async () => {
  const stage = await openReviewStage();
  await stage.quarantine([
    { offset: 0, key: '=cmd|calc' },
    { offset: 1, topic: 'eu.orders' },
  ]);
  const { status, headers, body } = await stage.call('/api/v1/records.csv?topic=raw-events&q=cmd');
  expect([status, headers.get('content-disposition')]).toEqual([200, 'attachment; filename="records.csv"']);
  const lines = (body as string).split('\r\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^"id","topic","partition"/);
  expect(lines[1]).toContain(`,"'=cmd|calc",`);
  const { body: audit } = await stage.call('/api/v1/audit?action=records.export');
  expect(audit.items[0].detail).toEqual({ topic: 'raw-events', searched: true });
});

test('a payload that is not what was stored is not shown', async () => {
  const stage = await openReviewStage();
  const [id] = await stage.quarantine(records(1));
  const other = createHash('sha256').update('other').digest();
  await stage.database.withClient((client) => client.query('UPDATE quarantine_records SET payload_sha256 = $1', [other]));
  expect((await stage.call(`/api/v1/records/${id}/payload`)).status).toBe(410);
});
