import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Caller } from '../../model/access.ts';
import type { SessionStore } from '../../store/session-store.ts';
import type { Tokens } from './tokens.ts';

const lifeMs = 12 * 60 * 60 * 1_000;

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly tokens: Tokens;
  readonly clock: Clock;
}

/** A session just opened: the value of its cookie, and who it speaks for. */
export interface OpenedSession {
  readonly cookie: string;
  readonly caller: Caller;
  readonly maxAgeSeconds: number;
}

/**
 * Sessions of browsers. They live in the database, so that they outlast a restart, hold on every instance and can be ended at once.
 * A session that was opened with a token has, at every request, the rights that the token has then, and ends with it.
 */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** `token` is the one that was shown, null where a provider vouched for the caller. */
  async open(caller: Caller, token: string | null): Promise<OpenedSession> {
    const cookie = randomBytes(32).toString('base64url');
    const csrfToken = randomBytes(32).toString('base64url');
    const { store, clock } = this.#options;
    await store.keep({
      idSha256: sha256(cookie),
      tokenSha256: token === null ? null : sha256(token).toString('hex'),
      caller: { ...caller, csrfToken },
      expiresAtMs: clock.now() + lifeMs,
    });
    return { cookie, caller: { ...caller, csrfToken }, maxAgeSeconds: lifeMs / 1_000 };
  }

  /** Whom the cookie stands for, null once its session has ended. */
  async find(cookie: string): Promise<Caller | null> {
    const { store, tokens, clock } = this.#options;
    const kept = await store.find(sha256(cookie), clock.now());
    if (!kept) return null;
    if (kept.tokenSha256 === null) return kept.caller;
    const caller = tokens.ofHash(kept.tokenSha256);
    return caller && { ...caller, csrfToken: kept.caller.csrfToken };
  }

  async end(cookie: string): Promise<void> {
    await this.#options.store.end(sha256(cookie));
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
