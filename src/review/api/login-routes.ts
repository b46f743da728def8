import type { FastifyRequest } from 'fastify';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import { isLoopback } from '../../lib/loopback.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { loginCookie } from '../access/cookie-names.ts';
import type { Provider } from '../access/provider.ts';
import type { Sessions } from '../access/sessions.ts';
import { loginQuery } from '../contract/session.ts';
import { actionOf, type ReviewServer, refusals } from './review-server.ts';
import { loginLimit, setSession } from './session-routes.ts';

export interface LoginRoutesOptions {
  readonly provider: Provider;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  /** Where browsers find the page; null where they come from this machine. */
  readonly publicUrl: string | null;
}

const callbackPath = '/auth/callback';

/** Signing in at the identity provider, by way of the server: the page sees no token of it. */
export function addLoginRoutes(server: ReviewServer, { provider, sessions, audit, publicUrl }: LoginRoutesOptions): void {
  const config = { open: true, rateLimit: loginLimit } as const;
  server.get(
    '/auth/login',
    { config, schema: { summary: 'Sign in at the identity provider', querystring: loginQuery, response: refusals } },
    async (request, reply) => {
      const returnTo = placeOnPage(request.query.return_to);
      const { url, cookie, maxAgeSeconds } = await provider.begin(`${homeOf(request, publicUrl)}${callbackPath}`, returnTo);
      const { name, secure } = loginCookie({ publicUrl, host: request.headers.host });
      // The provider sends the browser back from another site, so this cookie must come along there.
      reply.setCookie(name, cookie, { path: '/', secure, httpOnly: true, sameSite: 'lax', maxAge: maxAgeSeconds });
      return reply.redirect(url, 302);
    },
  );
  server.get(callbackPath, { config, schema: { hide: true } }, async (request, reply) => {
    const { name, secure } = loginCookie({ publicUrl, host: request.headers.host });
    const cookie = request.cookies[name];
    reply.clearCookie(name, { path: '/', secure, httpOnly: true, sameSite: 'lax' });
    if (cookie === undefined) throw new HttpRefusal(400, 'This sign-in was not begun in this browser. Begin again at /auth/login.');
    const ended = await provider.finish(cookie, new URL(`${homeOf(request, publicUrl)}${request.raw.url ?? ''}`));
    if ('refused' in ended) {
      await audit.append({ by: 'unknown', role: 'none', action: 'denied', subject: null, detail: { route: `GET ${callbackPath}` } });
      throw new HttpRefusal(403, ended.refused);
    }
    const opened = await sessions.open(ended.caller, null);
    await audit.append(actionOf(ended.caller, { action: 'session.open', subject: null, detail: { by: 'oidc' } }));
    setSession(reply, opened, { publicUrl, host: request.headers.host });
    return reply.redirect(ended.returnTo, 303);
  });
}

function homeOf({ headers }: FastifyRequest, publicUrl: string | null): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
  const host = headers.host ?? '';
  if (isLoopback(host.replace(/:\d+$/, ''))) return `http://${host}`;
  throw new HttpRefusal(421, 'The service does not know its own address: set http.publicUrl.');
}

/** A place on the page itself, whatever was asked for: a sign-in must not lead elsewhere. */
function placeOnPage(asked: string | undefined): string {
  return asked !== undefined && /^\/(?![/\\])[^\\\p{C}]*$/u.test(asked) ? asked : '/';
}
