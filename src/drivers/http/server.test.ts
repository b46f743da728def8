import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { DataQuarantineError } from '../../lib/errors.ts';
import type { Caller } from '../../model/access.ts';
import { Health } from '../../observe/health.ts';
import { silentLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import type { Admit } from './admission.ts';
import { HttpRefusal } from './problem.ts';
import { type HttpOptions, type HttpServer, openHttp } from './server.ts';

const opened: HttpServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

const ann: Caller = { name: 'ann', role: 'reviewer', payloadRead: true, topicPrefixes: [], csrfToken: null };
const everybody: Admit = () => ({ caller: ann });
const guarded: Admit = ({ authorization }) =>
  authorization === 'Bearer t0ken' ? { caller: ann } : { status: 401, reason: 'Who is it?', members: { mode: 'token' } };

/** A server on a free port that ends with the test. */
async function opening(options: Partial<HttpOptions> = {}): Promise<HttpServer> {
  const server = await openHttp({
    host: '127.0.0.1',
    port: 0,
    metricsListen: null,
    admit: everybody,
    requestsPerMinute: null,
    trustedProxies: [],
    health: new Health([]),
    metrics: createMetrics(),
    log: silentLog(),
    register: (fastify) => {
      fastify.get('/api/v1/who', (request) => request.caller);
      fastify.get('/api/v1/broken', () => {
        throw new Error('s3cret inside');
      });
      fastify.get('/api/v1/away', () => {
        throw new DataQuarantineError('DQ_POSTGRES_UNREACHABLE', 's3cret inside');
      });
      fastify.get('/api/v1/refused', () => {
        throw new HttpRefusal(409, 'Not so.', { more: 'members' });
      });
    },
    ...options,
  });
  opened.push(server);
  return server;
}

const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

async function problemOf(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  return response.json();
}

test('healthz and readyz answer 200 or 503 and say why', async () => {
  const health = new Health(['kafka']);
  const { address } = await opening({ health });
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
  const before = await fetch(`${address}/readyz`);
  expect([before.status, await before.json()]).toEqual([
    503,
    { status: 'not ready', checks: [{ name: 'kafka', ready: false, reason: 'not started yet' }] },
  ]);
  health.ready('kafka');
  expect((await fetch(`${address}/readyz`)).status).toBe(200);
  health.watchLoop('stuck', -1);
  const stuck = await fetch(`${address}/healthz`);
  expect([stuck.status, await stuck.json()]).toMatchObject([503, { status: 'stuck' }]);
});

test('metrics are served as text without a token', async () => {
  const { address } = await opening({ admit: guarded });
  const response = await fetch(`${address}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toContain('dataquarantine_spool_bytes 0');
});

test('with a port of their own, metrics leave the first one and health is on both', async () => {
  const { address, metricsAddress } = await opening({ metricsListen: { host: '127.0.0.1', port: 0 }, admit: guarded });
  expect(metricsAddress).not.toBe(address);
  expect((await fetch(`${metricsAddress}/metrics`)).status).toBe(200);
  expect((await fetch(`${address}/metrics`)).status).toBe(401);
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
  expect((await fetch(`${metricsAddress}/healthz`)).status).toBe(200);
  expect((await fetch(`${metricsAddress}/api/v1/who`, withToken('t0ken'))).status).toBe(404);
});

test.each(['/', '/openapi.json', '/api/v1/who', '/api/v1/records', '/nowhere'])(
  '%s needs a token where tokens are asked for',
  async (path) => {
    const { address } = await opening({ admit: guarded });
    const response = await fetch(`${address}${path}`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="dataquarantine"');
    expect(await problemOf(response)).toMatchObject({ type: 'about:blank', title: 'Unauthorized', status: 401, mode: 'token' });
    expect((await fetch(`${address}${path}`, withToken('wrong'))).status).toBe(401);
  },
);

test.each(['/api/v1/who', '/nowhere'])('guesses at %s are counted, and turned away before they are looked at', async (path) => {
  const { address } = await opening({ admit: guarded, requestsPerMinute: 3 });
  const statuses = [];
  for (let guess = 0; guess < 5; guess += 1) statuses.push((await fetch(`${address}${path}`, withToken(`guess-${guess}`))).status);
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  expect((await fetch(`${address}/api/v1/who`, withToken('t0ken'))).status).toBe(429);
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
});

test.each([
  [['127.0.0.0/8'], [401, 401, 401, 429]],
  [
    ['192.0.2.1', '2001:db8::/32'],
    [401, 429, 429, 429],
  ],
  [[], [401, 429, 429, 429]],
])('behind the trusted proxies %j an address is what they say, and else that of the connection', async (trustedProxies, expected) => {
  const { address } = await opening({ admit: guarded, requestsPerMinute: 1, trustedProxies });
  const ask = async (from: string) => (await fetch(`${address}/api/v1/who`, { headers: { 'x-forwarded-for': from } })).status;
  const statuses = [];
  // The last one claims another address before the one that its proxy has seen.
  for (const from of ['192.0.2.7', '192.0.2.8', '203.0.113.9', '192.0.2.9, 192.0.2.8']) statuses.push(await ask(from));
  expect(statuses).toEqual(expected);
});

test('a token lets its holder in, with role and rights', async () => {
  const { address } = await opening({ admit: guarded });
  const response = await fetch(`${address}/api/v1/who`, withToken('t0ken'));
  expect([response.status, await response.json()]).toEqual([200, ann]);
});

test('an unknown route is a problem of status 404', async () => {
  const { address } = await opening();
  const response = await fetch(`${address}/api/v1/nothing`);
  expect(response.status).toBe(404);
  expect(await problemOf(response)).toMatchObject({ title: 'Not Found', status: 404 });
});

test('a failure of ours is a problem of status 500 that does not quote it', async () => {
  const { address } = await opening();
  const response = await fetch(`${address}/api/v1/broken`);
  expect(response.status).toBe(500);
  expect(JSON.stringify(await problemOf(response))).not.toContain('s3cret');
});

test('every answer carries the security headers, turned away or not', async () => {
  const { address } = await opening({ admit: guarded });
  for (const path of ['/healthz', '/nowhere', '/metrics']) {
    const { headers } = await fetch(`${address}${path}`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('cache-control')).toBe('no-store');
  }
});

test('what is not HTTP is answered with a problem', async () => {
  const { address } = await opening();
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.write('NONSENSE\r\n\r\n');
  const chunks: string[] = [];
  for await (const chunk of socket) chunks.push(String(chunk));
  expect(chunks.join('')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*application\/problem\+json[^]*"status":400/);
});

test('a path that cannot be decoded is a problem', async () => {
  const { address } = await opening();
  const response = await fetch(`${address}/%zz`);
  expect(response.status).toBe(400);
  expect(await problemOf(response)).toMatchObject({ status: 400 });
});

test('a service that is away is a problem of status 503, and a refusal is one with its own members', async () => {
  const { address } = await opening();
  expect(await problemOf(await fetch(`${address}/api/v1/away`))).toMatchObject({ status: 503 });
  expect(await problemOf(await fetch(`${address}/api/v1/refused`))).toEqual({
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'Not so.',
    more: 'members',
  });
});

test('a taken port is an error that says what to do', async () => {
  const { address } = await opening();
  const port = Number(new URL(address).port);
  await expect(opening({ port })).rejects.toMatchObject({
    code: 'DQ_HTTP_LISTEN',
    message: expect.stringMatching(/another program listens there\. Change http\.host or http\.port/),
  });
  await expect(opening({ metricsListen: { host: '127.0.0.1', port } })).rejects.toMatchObject({
    code: 'DQ_HTTP_LISTEN',
    message: expect.stringContaining('metrics.port'),
  });
});
