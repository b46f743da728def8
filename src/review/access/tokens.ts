import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessToken, Caller } from '../../model/access.ts';

export interface TokensOptions {
  readonly tokens: readonly AccessToken[];
  /** Topic prefixes by the names of tokens; a name that is not there may see all topics. */
  readonly topicPrefixes: Readonly<Record<string, readonly string[]>>;
}

/**
 * Knows the tokens of the settings. They are compared by their hashes, all of them and each in constant time, so the time taken says
 * nothing of how near a guess came.
 */
export class Tokens {
  readonly #known: readonly { readonly digest: Buffer; readonly sha256: string; readonly caller: Caller }[];

  constructor({ tokens, topicPrefixes }: TokensOptions) {
    this.#known = tokens.map(({ name, role, payloadRead, sha256 }) => ({
      digest: Buffer.from(sha256, 'hex'),
      sha256,
      caller: {
        name,
        role,
        payloadRead,
        topicPrefixes: Object.hasOwn(topicPrefixes, name) ? (topicPrefixes[name] ?? []) : [],
        csrfToken: null,
      },
    }));
  }

  /** Whom the token stands for, null if nobody. */
  find(token: string): Caller | null {
    const digest = createHash('sha256').update(token).digest();
    let caller: Caller | null = null;
    for (const known of this.#known) if (timingSafeEqual(digest, known.digest)) caller = known.caller;
    return caller;
  }

  /** Whom the token of that hash stands for: for sessions that were opened with it. */
  ofHash(sha256: string): Caller | null {
    return this.#known.find((known) => known.sha256 === sha256)?.caller ?? null;
  }
}
