import type { FastifyReply } from 'fastify';
import { HttpRefusal } from '../../drivers/http/problem.ts';
import type { Caller } from '../../model/access.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { type CookieHome, sessionCookie } from '../access/cookie-names.ts';
import type { AuthMode } from '../access/guard.ts';
import type { OpenedSession, Sessions } from '../access/sessions.ts';
import type { Tokens } from '../access/tokens.ts';
import { type Session, session, sessionBody } from '../contract/session.ts';
import { actionOf, callerOf, type ReviewServer, refusals } from './review-server.ts';

export interface SessionRoutesOptions {
  readonly mode: AuthMode;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  /** Where browsers find the page, null where they come from this machine. */
  readonly publicUrl: string | null;
}

/** Who is signed in; signing in with a token, so that a browser can be used; signing out. */
export function addSessionRoutes(server: ReviewServer, { mode, tokens, sessions, audit, publicUrl }: SessionRoutesOptions): void {
  server.get('/api/v1/session', { schema: { summary: 'Who is signed in', response: { 200: session, ...refusals } } }, (request) =>
    Promise.resolve(sessionOf(callerOf(request), mode)),
  );
  server.post(
    '/api/v1/session',
    {
      config: { open: true, rateLimit: loginLimit },
      schema: { summary: 'Sign in with a token', body: sessionBody, response: { 200: session, ...refusals } },
    },
    async (request, reply) => {
      if (mode === 'none') throw new HttpRefusal(409, 'Without authentication there is nobody to sign in.');
      const { token } = request.body;
      const caller = tokens.find(token);
      if (!caller) {
        await audit.append({ by: 'unknown', role: 'none', action: 'denied', subject: null, detail: { route: 'POST /api/v1/session' } });
        throw new HttpRefusal(401, 'The token is not known here.', { mode });
      }
      const opened = await sessions.open(caller, token);
      await audit.append(actionOf(caller, { action: 'session.open', subject: null, detail: { by: 'token' } }));
      setSession(reply, opened, { publicUrl, host: request.headers.host });
      return sessionOf(opened.caller, mode);
    },
  );
  server.delete('/api/v1/session', { config: { role: 'viewer' }, schema: { summary: 'Sign out' } }, async (request, reply) => {
    const { name, secure } = sessionCookie({ publicUrl, host: request.headers.host });
    const cookie = request.cookies[name];
    if (cookie !== undefined) await sessions.end(cookie);
    return reply.clearCookie(name, { path: '/', secure, httpOnly: true, sameSite: 'strict' }).code(204).send();
  });
}

/** Guesses are turned away long before one could be right. */
export const loginLimit = { max: 20, timeWindow: 60_000 };

/** The cookie is out of reach for scripts, and goes with no request that another site begins. */
export function setSession(reply: FastifyReply, { cookie, maxAgeSeconds }: OpenedSession, home: CookieHome): void {
  const { name, secure } = sessionCookie(home);
  reply.setCookie(name, cookie, { path: '/', secure, httpOnly: true, sameSite: 'strict', maxAge: maxAgeSeconds });
}

function sessionOf({ name, role, payloadRead, csrfToken, topicPrefixes }: Caller, mode: AuthMode): Session {
  return { name, role, payload_read: payloadRead, mode, csrf_token: csrfToken, topic_prefixes: [...topicPrefixes] };
}
