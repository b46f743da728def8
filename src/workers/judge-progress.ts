const place = { begun: 0, row: 1 } as const;

/** How far a thread has come with a batch: shared memory, so that the row in hand is known even after the thread was ended. */
export class JudgeProgress {
  readonly memory: SharedArrayBuffer;
  /** Whether anything was begun, and the row; the native judge writes here too. */
  readonly words: Int32Array;

  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.words = new Int32Array(memory);
  }

  /** The thread says: this row is in hand now. */
  enter(row: number): void {
    Atomics.store(this.words, place.row, row);
    Atomics.store(this.words, place.begun, 1);
  }

  /** The row in hand, null while nothing was begun. */
  get row(): number | null {
    return Atomics.load(this.words, place.begun) === 0 ? null : Atomics.load(this.words, place.row);
  }
}
