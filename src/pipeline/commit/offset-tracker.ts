import { assert } from '../../lib/assert.ts';
import { DataQuarantineError } from '../../lib/errors.ts';

/** Settles one tracked claim. Returns the new `offsetNext` where the head moved, else null. May be called once. */
export type Settle = () => number | null;

interface Entry {
  readonly offsetNext: number;
  settled: boolean;
}

/**
 * What one partition may commit in one assignment epoch: the contiguous settled head of the claims in the order they came.
 * Invariant: a returned offset never goes back and never passes an unsettled claim. Gaps between offsets are legal: transaction
 * markers and compaction leave them. Claims are few (one a batch), so a plain array with a moving head does.
 */
export class OffsetTracker {
  #entries: Entry[] = [];
  #head = 0;
  #offsetLast = -1;
  #withheldFrom: number | null = null;

  /** Claims still open, settled ones behind an open one included. Those that are withheld are not waited for. */
  get open(): number {
    const ahead = this.#withheldFrom;
    if (ahead === null) return this.#entries.length - this.#head;
    return this.#entries.slice(this.#head).filter(({ offsetNext }) => offsetNext <= ahead).length;
  }

  /** The first offset that was withheld, null where none was. From there on nothing settles any more. */
  get withheldFrom(): number | null {
    return this.#withheldFrom;
  }

  /** No claim from this offset on will settle: its messages are read again. All before it may. */
  withhold(offset: number): void {
    this.#withheldFrom ??= offset;
  }

  track(offsetNext: number): Settle {
    if (offsetNext <= this.#offsetLast) {
      throw new DataQuarantineError(
        'DQ_KAFKA_LOG_TRUNCATED',
        `offset ${offsetNext - 1} came after offset ${this.#offsetLast - 1}: the source log was cut back or made anew under the engine.`,
      );
    }
    this.#offsetLast = offsetNext;
    const entry: Entry = { offsetNext, settled: false };
    this.#entries.push(entry);
    return () => {
      assert(!entry.settled, 'a claim was settled twice');
      entry.settled = true;
      return this.#advance();
    };
  }

  #advance(): number | null {
    let moved: number | null = null;
    for (let entry = this.#entries[this.#head]; entry?.settled; entry = this.#entries[this.#head]) {
      moved = entry.offsetNext;
      this.#head += 1;
    }
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return moved;
  }
}
