const least = 64;
const most = 2_000;
const quickMs = 10;
const slowMs = 25;

/**
 * How many messages the next consume asks for. The client returns when it has them all or no message came for a millisecond, so
 * at a steady rate a large number waits long and a small one costs a call each. The number doubles while full answers come
 * quickly (a backlog) and halves when one took longer than 25 ms (a trickle). Only the time in which the event loop had nothing else to
 * do counts: when it is busy, an answer that was there long ago looks slow.
 */
export class ConsumeSize {
  #next = least;

  get next(): number {
    return this.#next;
  }

  learn(asked: number, received: number, idleMs: number): void {
    if (received === asked && idleMs < quickMs) this.#next = Math.min(most, asked * 2);
    else if (received > 0 && idleMs > slowMs) this.#next = Math.max(least, asked >> 1);
  }
}
