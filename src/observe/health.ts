import { type Clock, systemClock } from '../lib/clock.ts';

/** One condition of readiness. `reason` says why it does not hold, or what is not as it should be although it does. */
export interface Check {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string | null;
}

/** One loop that must keep turning. */
export interface Loop {
  readonly name: string;
  readonly ageMs: number;
  readonly alive: boolean;
}

/** A loop that has not turned for this long is stuck. */
export const loopAgeMsMax = 10_000;
const tickMs = 1_000;

/**
 * Knows whether the service lives and whether it is ready. It lives while every loop it was told of has turned within its limit; the
 * event loop is one of them from `open` on. It is ready when every expected check holds; what was never reported does not hold.
 */
export class Health {
  readonly #clock: Clock;
  readonly #checks = new Map<string, Omit<Check, 'name'>>();
  readonly #loops = new Map<string, { turnedMs: number; ageMsMax: number }>();
  #timer: NodeJS.Timeout | null = null;

  /** `expected` names the checks that must be reported before the service is ready. */
  constructor(expected: Iterable<string>, clock: Clock = systemClock) {
    this.#clock = clock;
    for (const name of expected) this.notReady(name, 'not started yet');
  }

  /** Starts to watch the event loop. The timer does not keep the process alive. */
  open(): void {
    const turn = this.watchLoop('event loop');
    this.#timer ??= setInterval(turn, tickMs).unref();
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#loops.clear();
  }

  ready(name: string): void {
    this.#checks.set(name, { ready: true, reason: null });
  }

  /** It can do its work, but somebody should look. */
  readyBut(name: string, reason: string): void {
    this.#checks.set(name, { ready: true, reason });
  }

  notReady(name: string, reason: string): void {
    this.#checks.set(name, { ready: false, reason });
  }

  /** The check counts no longer. */
  forget(name: string): void {
    this.#checks.delete(name);
  }

  /** From now on the loop counts; call what is returned at each of its turns. */
  watchLoop(name: string, ageMsMax: number = loopAgeMsMax): () => void {
    const loop = { turnedMs: this.#clock.monotonic(), ageMsMax };
    this.#loops.set(name, loop);
    return () => {
      loop.turnedMs = this.#clock.monotonic();
    };
  }

  /** The loop ended as it should and counts no longer. */
  forgetLoop(name: string): void {
    this.#loops.delete(name);
  }

  loops(): Loop[] {
    const nowMs = this.#clock.monotonic();
    return [...this.#loops].map(([name, { turnedMs, ageMsMax }]) => {
      const ageMs = Math.round(nowMs - turnedMs);
      return { name, ageMs, alive: ageMs <= ageMsMax };
    });
  }

  checks(): Check[] {
    return [...this.#checks].map(([name, check]) => ({ name, ...check }));
  }

  get isAlive(): boolean {
    return this.loops().every((loop) => loop.alive);
  }

  get isReady(): boolean {
    return this.checks().every((check) => check.ready);
  }
}
