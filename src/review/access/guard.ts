import { timingSafeEqual } from 'node:crypto';
import type { Admission, Admit, Credentials } from '../../drivers/http/admission.ts';
import { isLoopback } from '../../lib/loopback.ts';
import type { Caller } from '../../model/access.ts';
import { sessionCookie } from './cookie-names.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';

export type AuthMode = 'none' | 'token' | 'oidc';

export interface GuardOptions {
  readonly mode: AuthMode;
  /** Where browsers find the page, null where they come from this machine. */
  readonly publicUrl: string | null;
  readonly tokens: Tokens;
  /** Says who a JSON Web Token speaks for, null if nobody; null where no provider is set. */
  readonly identify: ((token: string) => Promise<Caller | null>) | null;
  /** Null where there is no database to keep sessions in. */
  readonly sessions: Sessions | null;
}

/** Without authentication, whoever reaches the loopback address may do everything. */
export const localCaller: Caller = { name: 'local', role: 'admin', payloadRead: true, topicPrefixes: [], csrfToken: null };

const bearerCharactersMax = 16_384;
const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Decides who may come in. Mode `none` only takes requests addressed to this machine by a name of its own: a web page can point its
 * own name at 127.0.0.1, but it cannot make the browser send another host name; nor can it change anything, since its browser says
 * where it comes from. In the other modes a bearer token says who asks, or the cookie of a session; a change by cookie needs the
 * session's CSRF token beside it.
 */
export function createGuard({ mode, publicUrl, tokens, identify, sessions }: GuardOptions): Admit {
  const unknown = unauthorized(mode, 'The token is not known here, or it has expired.');
  const byBearer = async (authorization: string): Promise<Admission> => {
    const presented = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (presented === undefined) return unauthorized(mode, 'Send a token: Authorization: Bearer TOKEN.');
    if (presented.length > bearerCharactersMax) return unknown;
    const caller = tokens.find(presented) ?? (await identify?.(presented)) ?? null;
    return caller ? { caller } : unknown;
  };
  const byCookie = async (cookie: string, credentials: Credentials): Promise<Admission> => {
    const caller = (await sessions?.find(cookie)) ?? null;
    if (!caller) return unauthorized(mode, 'The session has ended. Sign in again.');
    if (readingMethods.has(credentials.method)) return { caller };
    return isFromElsewhere(credentials) || !isSame(caller.csrfToken, credentials.csrfToken) ? forged : { caller };
  };
  return (credentials) => {
    const { method, host, authorization, cookies } = credentials;
    if (mode === 'none') {
      if (!isOwnName(host)) return foreignName;
      return readingMethods.has(method) || !isFromElsewhere(credentials) ? { caller: localCaller } : forged;
    }
    if (authorization !== undefined) return byBearer(authorization);
    const cookie = cookies[sessionCookie({ publicUrl, host }).name];
    if (cookie !== undefined) return byCookie(cookie, credentials);
    return unauthorized(mode, 'Sign in, or send a token: Authorization: Bearer TOKEN.');
  };
}

/** The page learns from `mode` how one signs in. */
function unauthorized(mode: AuthMode, reason: string): Admission {
  return { status: 401, reason, members: { mode } };
}

const forged: Admission = { status: 403, reason: 'A change must come from the page itself, with its x-csrf-token.' };
const foreignName: Admission = { status: 421, reason: 'Without authentication this service answers to loopback names only.' };

function isOwnName(host: string | undefined): boolean {
  return isLoopback((host ?? '').replace(/:\d+$/, ''));
}

/** A browser names the page that it asks for; whatever else asks names none. */
function isFromElsewhere({ origin, host }: Credentials): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

function isSame(expected: string | null, given: string | undefined): boolean {
  if (expected === null || given === undefined) return false;
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}
