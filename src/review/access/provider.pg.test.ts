import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Provider as IdentityProvider } from 'oidc-provider';
import { afterEach, expect, test } from 'vitest';
import { openReviewStage, type ReviewStage } from '../../testing/review-stage.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const clientId = 'dataquarantine';
const people: Readonly<Record<string, object>> = {
  ann: { preferred_username: 'ann', roles: ['reviewer', 'payload:read'], topics: ['eu.'] },
  bob: { preferred_username: 'bob', roles: ['somebody-else'] },
};

interface World {
  readonly stage: ReviewStage;
  readonly issuer: string;
  /** A token as the provider signs them. */
  readonly sign: (claims: JWTPayload, header?: object) => Promise<string>;
}

/** A real identity provider with one client, and a review that trusts it. */
async function openWorld(): Promise<World> {
  let handler: RequestListener = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  );
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stage = await openReviewStage({
    oidc: { issuer, clientId, clientSecret: 's3cret', audience: 'dq-api', roleClaim: 'roles', topicClaim: null },
  });
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'one', use: 'sig', alg: 'RS256' };
  const provider = new IdentityProvider(issuer, {
    clients: [{ client_id: clientId, client_secret: 's3cret', redirect_uris: [`${stage.address}/auth/callback`] }],
    jwks: { keys: [key] },
    cookies: { keys: ['cookie key'] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { profile: ['preferred_username', 'roles', 'topics'] },
    findAccount: (_context, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people[sub] }) }),
  });
  const callback = provider.callback();
  handler = (request, response) => void callback(request, response);
  const sign = (claims: JWTPayload, header = {}) =>
    new SignJWT({ iss: issuer, aud: 'dq-api', sub: 'svc', roles: ['operator'], exp: Math.floor(Date.now() / 1_000) + 60, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'at+jwt', ...header })
      .sign(privateKey);
  return { stage, issuer, sign };
}

/** A browser: follows redirects and keeps cookies. */
class Browser {
  readonly cookies = new Map<string, string>();

  async go(url: string, form?: Record<string, string>): Promise<{ response: Response; url: string }> {
    for (let at = url, body = form ? new URLSearchParams(form) : null; ; body = null) {
      const response = await fetch(at, {
        method: body ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie: [...this.cookies].map((pair) => pair.join('=')).join('; ') },
        body,
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') this.cookies.delete(name);
        else this.cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) return { response, url: at };
      await response.body?.cancel();
      at = new URL(location, at).href;
    }
  }

  /** Signs in as a person at the provider, and agrees. */
  async signIn({ stage }: World, login: string): Promise<{ response: Response; url: string }> {
    const asked = await this.go(`${stage.address}/auth/login?return_to=/records`);
    const agreeing = await this.go(asked.url, { prompt: 'login', login, password: 'any' });
    return this.go(agreeing.url, { prompt: 'consent' });
  }
}

test('a browser signs in at the provider, comes back to its place, and has the rights of its claims', async () => {
  const world = await openWorld();
  const browser = new Browser();
  const { response, url } = await browser.signIn(world, 'ann');
  expect([url, response.status]).toEqual([`${world.stage.address}/records`, expect.any(Number)]);
  const { response: session } = await browser.go(`${world.stage.address}/api/v1/session`);
  expect(await session.json()).toMatchObject({
    name: 'ann',
    role: 'reviewer',
    payload_read: true,
    mode: 'oidc',
    csrf_token: expect.any(String),
  });
});

test('an account without a role does not come in', async () => {
  const world = await openWorld();
  const browser = new Browser();
  const { response } = await browser.signIn(world, 'bob');
  expect(response.status).toBe(403);
  expect(browser.cookies.has('dq-session')).toBe(false);
});

test('a sign-in ends in the browser that began it, once, with its own state', async () => {
  const world = await openWorld();
  const { address } = world.stage;
  expect((await fetch(`${address}/auth/callback?code=a&state=b`)).status).toBe(400);
  const begun = await fetch(`${address}/auth/login?return_to=//evil.example`, { redirect: 'manual' });
  const query = new URL(begun.headers.get('location') ?? '').searchParams;
  expect(Object.fromEntries(query)).toMatchObject({ code_challenge_method: 'S256', state: expect.any(String), nonce: expect.any(String) });
  const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const ending = (state: string) => fetch(`${address}/auth/callback?code=a&state=${state}`, { headers: { cookie }, redirect: 'manual' });
  expect((await ending('forged')).status).toBe(403);
  expect((await ending(query.get('state') ?? '')).status).toBe(403);
});

test('a bearer token of the provider is taken, and none that differs in what must hold', async () => {
  const { stage, sign, issuer } = await openWorld();
  const asked = async (token: string) => (await stage.call('/api/v1/session', { as: token })).status;
  expect((await stage.call('/api/v1/session', { as: await sign({}) })).body).toMatchObject({
    name: 'svc',
    role: 'operator',
    payload_read: false,
  });
  const past = Math.floor(Date.now() / 1_000) - 120;
  for (const claims of [
    { exp: past },
    { nbf: past + 600 },
    { aud: 'others' },
    { iss: `${issuer}/` },
    { sub: '' },
    { roles: [] },
    { nonce: 'n' },
  ])
    expect(await asked(await sign(claims)), JSON.stringify(claims)).toBe(401);
  expect(await asked(await sign({ exp: undefined } as never)), 'no exp').toBe(401);
  const [, body = ''] = (await sign({})).split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  expect(await asked(`${none}.${body}.`)).toBe(401);
  const shared = new SignJWT({ iss: issuer, aud: 'dq-api', sub: 'svc', roles: ['admin'], exp: past + 600 });
  expect(await asked(await shared.setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(Buffer.from('s3cret')))).toBe(401);
  const other = await generateKeyPair('RS256', { extractable: true });
  const jwk = await exportJWK(other.publicKey);
  const stranger = new SignJWT({ iss: issuer, aud: 'dq-api', sub: 'svc', roles: ['admin'], exp: past + 600 });
  const header = { alg: 'RS256', kid: 'one', jwk, jku: 'http://127.0.0.1:1/keys' };
  expect(await asked(await stranger.setProtectedHeader(header).sign(other.privateKey))).toBe(401);
});

test('a provider that is away is no refusal', async () => {
  const stage = await openReviewStage({
    oidc: { issuer: 'http://127.0.0.1:1', clientId, clientSecret: null, audience: clientId, roleClaim: 'roles', topicClaim: null },
  });
  expect((await stage.call('/api/v1/session', { as: 'a.b.c' })).status).toBe(503);
  expect((await stage.call('/auth/login', { as: null })).status).toBe(503);
});
