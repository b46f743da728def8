import { createHash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, type JWTVerifyGetKey, errors as joseErrors, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import type { Clock } from '../../lib/clock.ts';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import type { Caller } from '../../model/access.ts';
import type { LoginStore } from '../../store/login-store.ts';
import { type ClaimRules, callerOfClaims } from './claims.ts';

export interface ProviderOptions extends ClaimRules {
  /** Exactly as the provider names itself. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null for a client that has none; PKCE guards it all the same. */
  readonly clientSecret: string | null;
  /** What `aud` of a bearer token must name. */
  readonly audience: string;
  readonly logins: LoginStore;
  readonly clock: Clock;
}

/** What the provider sent a browser back with is not a sign-in of ours, or gives no rights. */
export interface RefusedLogin {
  readonly refused: string;
}

interface Connection {
  readonly configuration: openid.Configuration;
  readonly keys: JWTVerifyGetKey;
}

const loginMsMax = 10 * 60_000;
const clockToleranceSeconds = 30;
/** Signatures with the provider's private key alone: nobody who knows a shared secret or a public key can make one. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/**
 * The identity provider of the settings. Browsers sign in by the authorization code flow with PKCE, state and nonce; what the provider gives
 * is looked at here and never reaches the page. Bearer tokens are verified by RFC 8725: keys come from the provider's own key set alone, and
 * algorithm, issuer, audience and times are checked. The provider is first asked when somebody comes.
 */
export class Provider {
  readonly #options: ProviderOptions;
  #connection: Promise<Connection> | null = null;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Begins a sign-in: where to send the browser, and the cookie that it must come back with. */
  async begin(redirectUri: string, returnTo: string): Promise<{ url: string; cookie: string; maxAgeSeconds: number }> {
    const { configuration } = await this.#connected();
    const { logins, clock } = this.#options;
    const cookie = randomBytes(32).toString('base64url');
    const login = { state: openid.randomState(), nonce: openid.randomNonce(), codeVerifier: openid.randomPKCECodeVerifier(), returnTo };
    await logins.keep({ ...login, idSha256: sha256(cookie), expiresAtMs: clock.now() + loginMsMax });
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      state: login.state,
      nonce: login.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, cookie, maxAgeSeconds: loginMsMax / 1_000 };
  }

  /** Ends a sign-in with the address that the provider sent the browser to. */
  async finish(cookie: string, address: URL): Promise<{ caller: Caller; returnTo: string } | RefusedLogin> {
    const { logins, clock } = this.#options;
    const login = await logins.take(sha256(cookie), clock.now());
    if (!login) return { refused: 'The sign-in took too long, or was ended before. Begin again.' };
    const { configuration } = await this.#connected();
    let claims: openid.IDToken | undefined;
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, address, {
        pkceCodeVerifier: login.codeVerifier,
        expectedState: login.state,
        expectedNonce: login.nonce,
        idTokenExpected: true,
      });
      claims = tokens.claims();
    } catch (error) {
      if (isNetworkFailure(error)) throw unreachable(error);
      return { refused: 'The identity provider did not vouch for this sign-in. Begin again.' };
    }
    const caller = claims ? callerOfClaims(claims, this.#options) : null;
    return caller ? { caller, returnTo: login.returnTo } : { refused: 'This account has no role here. Ask whoever runs the service.' };
  }

  /** Whom a bearer token speaks for, null if it does not hold or gives no role. */
  async identify(token: string): Promise<Caller | null> {
    if (token.split('.').length !== 3) return null;
    const { issuer, audience } = this.#options;
    try {
      const { keys } = await this.#connected();
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      });
      // An id token tells a client who somebody is; it is no key to an API.
      if ('nonce' in payload || 'at_hash' in payload) return null;
      return callerOfClaims(payload, this.#options);
    } catch (error) {
      if (error instanceof joseErrors.JWKSTimeout || isNetworkFailure(error)) throw unreachable(error);
      if (error instanceof joseErrors.JOSEError) return null;
      throw error;
    }
  }

  /** Asks the provider who it is, once; after a failure, again at the next call. */
  #connected(): Promise<Connection> {
    this.#connection ??= this.#connect().catch((error: unknown) => {
      this.#connection = null;
      throw unreachable(error);
    });
    return this.#connection;
  }

  async #connect(): Promise<Connection> {
    const { issuer, clientId, clientSecret } = this.#options;
    const execute = [openid.enableNonRepudiationChecks];
    // oxlint-disable-next-line typescript/no-deprecated -- marked so that it stands out; the settings allow it on this machine alone.
    if (issuer.startsWith('http:')) execute.push(openid.allowInsecureRequests);
    const authentication = clientSecret === null ? openid.None() : undefined;
    const metadata = clientSecret ?? undefined;
    const configuration = await openid.discovery(new URL(issuer), clientId, metadata, authentication, { execute });
    const keySet = configuration.serverMetadata().jwks_uri;
    if (keySet === undefined) throw new Error('it names no key set (jwks_uri)');
    return { configuration, keys: createRemoteJWKSet(new URL(keySet)) };
  }
}

function isNetworkFailure(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError');
}

function unreachable(error: unknown): DataQuarantineError {
  return new DataQuarantineError('DQ_OIDC_UNREACHABLE', `the identity provider: ${messageOf(error)}`, { cause: error });
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
