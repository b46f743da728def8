import { isLoopback } from '../../lib/loopback.ts';

/** How a cookie must be set. */
export interface CookieName {
  readonly name: string;
  readonly secure: boolean;
}

/** What says whether the page is reached by TLS: where browsers find it, if that is set, else the host that a request names. */
export interface CookieHome {
  readonly publicUrl: string | null;
  readonly host: string | undefined;
}

/**
 * The cookie of a session. `__Host-` binds it to this very host and to TLS, so no other name of the domain can set or read it. On
 * this machine itself browsers come without TLS and would not take such a cookie, so there it is a plain one; and so it is where the
 * public URL says that nobody comes by TLS.
 */
export function sessionCookie(home: CookieHome): CookieName {
  return named('dq-session', home);
}

/** The cookie that binds a sign-in under way at the provider to the browser that began it. */
export function loginCookie(home: CookieHome): CookieName {
  return named('dq-login', home);
}

function named(name: string, { publicUrl, host }: CookieHome): CookieName {
  const secure = publicUrl === null ? !isLoopback((host ?? '').replace(/:\d+$/, '')) : publicUrl.startsWith('https:');
  return { name: secure ? `__Host-${name}` : name, secure };
}
