import { CircuitState as BreakerState, circuitBreaker, ExponentialBackoff, handleWhen, type IBreaker } from 'cockatiel';
import { DataQuarantineError, type ErrorCode, isRetryable } from './errors.ts';
import { retryForever } from './retry.ts';

/** `closed`: the sink takes. `open`: it failed again and again and is left alone for a while. `half_open`: one call tries it again. */
export type CircuitState = 'closed' | 'half_open' | 'open';

export interface SinkPolicyOptions {
  /** For error texts: "PostgreSQL", "the object store". */
  readonly sink: string;
  /** What is thrown while the sink is left alone, and when a call took too long. */
  readonly awayCode: ErrorCode;
  /** So many failures in a row open the circuit, and one call that took too long. */
  readonly failuresMax: number;
  readonly onState: (state: CircuitState) => void;
  /** Told of every failed call. */
  readonly onFailure: (error: DataQuarantineError) => void;
}

const stateNames: Readonly<Record<BreakerState, CircuitState>> = {
  [BreakerState.Closed]: 'closed',
  [BreakerState.HalfOpen]: 'half_open',
  [BreakerState.Open]: 'open',
  [BreakerState.Isolated]: 'open',
};

/** Opens after so many failures in a row, or when it was told that nobody should wait for the next. */
class Breaker implements IBreaker {
  state = 0;
  isLate = false;
  readonly #failuresMax: number;

  constructor(failuresMax: number) {
    this.#failuresMax = failuresMax;
  }

  success(): void {
    this.state = 0;
  }

  failure(): boolean {
    this.state += 1;
    const opens = this.isLate || this.state >= this.#failuresMax;
    this.isLate = false;
    return opens;
  }
}

/**
 * How one sink is called. Only failures that may pass count; any other error goes through at once and says nothing of the sink.
 * An open circuit is tried again after 250 ms, then after ever longer times of up to 5 s, by whichever call comes first.
 */
export class SinkPolicy {
  readonly #options: SinkPolicyOptions;
  readonly #failures: Breaker;
  readonly #breaker: ReturnType<typeof circuitBreaker>;

  constructor(options: SinkPolicyOptions) {
    this.#options = options;
    this.#failures = new Breaker(options.failuresMax);
    this.#breaker = circuitBreaker(handleWhen(isRetryable), {
      breaker: this.#failures,
      halfOpenAfter: new ExponentialBackoff({ initialDelay: 250, maxDelay: 5_000 }),
    });
    this.#breaker.onStateChange((state) => options.onState(stateNames[state]));
  }

  get isAway(): boolean {
    return this.#breaker.state !== BreakerState.Closed;
  }

  /** Calls until it works, with backoff and jitter, for ever or until the signal ends it. Each call has the sink's own time. */
  forever<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return retryForever(() => this.#call(work, signal), { signal });
  }

  /** Calls until it works or the circuit opens, whichever is first: for those who have another way. A call may take `msMax`. */
  async whileClosed<T>(work: () => Promise<T>, { msMax, signal }: { msMax: number; signal: AbortSignal }): Promise<T> {
    return retryForever(() => this.#call(() => this.#within(msMax, work), signal), { signal, goesOn: () => !this.isAway });
  }

  async #call<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw this.#away('is not waited for any more');
    if (this.#breaker.state === BreakerState.HalfOpen) throw this.#away('is being tried again by another call');
    let called = false;
    try {
      return await this.#breaker.execute(() => {
        called = true;
        return work();
      });
    } catch (error) {
      if (!called) throw this.#away('failed several times in a row and is left alone for a moment');
      if (isRetryable(error)) this.#options.onFailure(error);
      throw error;
    }
  }

  /** What takes too long is not ended: its driver does that. But nobody waits for it any more. */
  async #within<T>(msMax: number, work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#failures.isLate = true;
        reject(this.#away(`did not answer within ${msMax} ms`));
      }, msMax);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #away(why: string): DataQuarantineError {
    return new DataQuarantineError(this.#options.awayCode, `${this.#options.sink} ${why}.`);
  }
}
