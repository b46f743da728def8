import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../random.ts';

interface Timer {
  atMs: number;
  /** Timers of one moment go off in an order that the seed chooses. */
  readonly tie: number;
  work: (() => void) | null;
}

/** What `setTimeout` returns, as far as anybody here uses it. */
interface Handle {
  readonly timer: Timer;
  ref(): Handle;
  unref(): Handle;
}

type Callback = (...values: unknown[]) => void;

const names = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;

/**
 * Time that passes only when nothing is left to do: the next timer goes off when no promise has work any more. While it is
 * installed, the timers and the clock of the process are its own, so that code which knows no clock is played by it, too.
 */
export class VirtualTime {
  nowMs = 0;
  events = 0;
  readonly #random: Random;
  readonly #heap: Timer[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  readonly clock: Clock = {
    now: () => 1_767_225_600_000 + Math.floor(this.nowMs),
    monotonic: () => this.nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const end = () => {
          timer.work = null;
          resolve();
        };
        const timer = this.schedule(ms, () => {
          signal?.removeEventListener('abort', end);
          resolve();
        });
        signal?.addEventListener('abort', end);
      }),
  };

  schedule(delayMs: number, work: () => void): { work: (() => void) | null } {
    const timer: Timer = { atMs: this.nowMs + Math.max(0, delayMs), tie: this.#random.word(), work };
    this.#push(timer);
    return timer;
  }

  /** Lets time pass until `isDone`, or until nothing is left before `untilMs`. True if it is done. */
  async run(isDone: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      // A tick comes after the last of the promises that have something to do.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      if (isDone()) return true;
      const timer = this.#heap[0];
      if (!timer || timer.atMs > untilMs) return false;
      this.#pop();
      if (!timer.work) continue;
      this.nowMs = timer.atMs;
      this.events += 1;
      timer.work();
    }
  }

  /** Puts these timers, and numbers of this seed, in the place of the process's own; returns what puts them back. */
  install(): () => void {
    const scope = globalThis as unknown as Record<string, unknown>;
    const before = names.map((name) => scope[name]);
    const random = Math.random;
    const dateNow = Date.now;
    scope['setTimeout'] = (work: Callback, ms = 0, ...values: unknown[]) => this.#handle(this.schedule(ms, () => work(...values)) as Timer);
    scope['setInterval'] = (work: Callback, ms: number, ...values: unknown[]) => this.#repeat(() => work(...values), ms);
    const clear = (handle: Handle | null | undefined) => {
      if (handle) handle.timer.work = null;
    };
    scope['clearTimeout'] = clear;
    scope['clearInterval'] = clear;
    Math.random = () => this.#random.share();
    // Circuits stay open by it.
    Date.now = () => this.clock.now();
    return () => {
      names.forEach((name, index) => {
        scope[name] = before[index];
      });
      Math.random = random;
      Date.now = dateNow;
    };
  }

  #repeat(work: () => void, ms: number): Handle {
    const timer = this.schedule(ms, () => {
      timer.atMs = this.nowMs + ms;
      this.#push(timer);
      work();
    }) as Timer;
    return this.#handle(timer);
  }

  #handle(timer: Timer): Handle {
    const handle: Handle = { timer, ref: () => handle, unref: () => handle };
    return handle;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.tie < other.tie);
}
