import { isLoopback } from '../../lib/loopback.ts';

/** How a cookie must be set. */
export interface CookieName {
  readonly name: string;
  readonly secure: boolean;
}

/**
 * The cookie of a session. `__Host-` binds it to this very host and to TLS, so no other name of the domain can set or read it. On
 * this machine itself browsers come without TLS and would not take such a cookie, so there it is a plain one.
 */
export function sessionCookie(host: string | undefined): CookieName {
  return named('dq-session', host);
}

/** The cookie that binds a sign-in under way at the provider to the browser that began it. */
export function loginCookie(host: string | undefined): CookieName {
  return named('dq-login', host);
}

function named(name: string, host: string | undefined): CookieName {
  const secure = !isLoopback((host ?? '').replace(/:\d+$/, ''));
  return { name: secure ? `__Host-${name}` : name, secure };
}
