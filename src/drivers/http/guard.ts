import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '../../lib/loopback.ts';
import type { AccessToken, Role } from '../../model/access.ts';

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly payloadRead: boolean;
}

export interface AuthOptions {
  readonly mode: 'none' | 'token' | 'oidc';
  readonly tokens: readonly AccessToken[];
}

/** What the guard looks at. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly host: string | undefined;
}

/** The caller, or the status and the reason with which to turn the request away. */
export type Admission = { readonly caller: Caller } | { readonly status: 401 | 421; readonly reason: string };

/** Without authentication, whoever reaches the loopback address may do everything. */
const localCaller: Caller = { name: 'local', role: 'admin', payloadRead: true };

const tokenCharactersMax = 4_096;

/**
 * Decides who may come in. Tokens are compared by their hashes, all of them and each in constant time, so the time taken says nothing
 * of how near a guess came. Mode `none` only takes requests addressed to this machine by a name of its own: a web page can point its
 * own name at 127.0.0.1, but it cannot make the browser send another host name.
 */
export function createGuard(auth: AuthOptions): (credentials: Credentials) => Admission {
  const known = auth.tokens.map((token) => ({ digest: Buffer.from(token.sha256, 'hex'), token }));
  if (auth.mode === 'none') return ({ host }) => (isOwnName(host) ? { caller: localCaller } : foreignName);
  return ({ authorization }) => {
    const presented = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (presented === undefined) return { status: 401, reason: 'Send a token: Authorization: Bearer TOKEN.' };
    if (auth.mode !== 'token' || presented.length > tokenCharactersMax) return unknownToken;
    const digest = createHash('sha256').update(presented).digest();
    let caller: Caller | null = null;
    for (const { digest: expected, token } of known) {
      if (timingSafeEqual(digest, expected)) caller = { name: token.name, role: token.role, payloadRead: token.payloadRead };
    }
    return caller ? { caller } : unknownToken;
  };
}

const unknownToken: Admission = { status: 401, reason: 'The token is not known here.' };
const foreignName: Admission = { status: 421, reason: 'Without authentication this service answers to loopback names only.' };

function isOwnName(host: string | undefined): boolean {
  return isLoopback((host ?? '').replace(/:\d+$/, ''));
}
