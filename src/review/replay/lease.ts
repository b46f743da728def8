import type { Clock } from '../../lib/clock.ts';
import { createDeferred } from '../../lib/deferred.ts';

export interface LeaseOptions {
  readonly ms: number;
  readonly clock: Clock;
  /** False if somebody else holds it by now. */
  readonly renew: () => Promise<boolean>;
}

/** Keeps what is in hand, as long as it is renewed in time. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #lost = createDeferred<null>();
  readonly #timer: NodeJS.Timeout;
  #renewedMs: number;
  #isLost = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#renewedMs = options.clock.monotonic();
    this.#timer = setInterval(() => void this.#renew(), options.ms / 4);
  }

  /** Is it surely ours for a while yet? */
  get isSafe(): boolean {
    const { clock, ms } = this.#options;
    return !this.#isLost && clock.monotonic() - this.#renewedMs < ms / 2;
  }

  /** Resolves to null once somebody else holds it, or may soon. */
  get lost(): Promise<null> {
    return this.#lost.promise;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** A database that is away says nothing: then the time alone decides. */
  async #renew(): Promise<void> {
    if (!this.isSafe) return this.#lose();
    const askedMs = this.#options.clock.monotonic();
    const isOurs = await this.#options.renew().catch(() => null);
    if (isOurs) this.#renewedMs = askedMs;
    if (isOurs === false) this.#lose();
  }

  #lose(): void {
    this.#isLost = true;
    this.#lost.resolve(null);
  }
}
