/** What is counted of one cause in a partition. */
export interface CauseCounts {
  /** Bad messages of the window. */
  messages: number;
  /** Those that were kept whole since the breaker tripped. */
  whole: number;
}

/** More causes than a person tells apart. Those beyond share one count, so that a hostile producer cannot fill the memory with them. */
const causesMax = 200;
const otherCauses = 'other';

/**
 * What the breaker counts of one partition. It goes with the partition from owner to owner. A window is not exact: when it is full, all is halved,
 * so that it spans the last half to whole of its length.
 */
export class FloodCounts {
  messages = 0;
  invalid = 0;
  /** Bad messages at the end of the partition, with no other behind them. */
  run = 0;
  readonly causes = new Map<string, CauseCounts>();
  /** Did something change that would be missed after a restart? */
  isDirty = false;
  /** Monotonic milliseconds when it was first found that nothing more was counted; null as long as something is. */
  idleSinceMs: number | null = null;

  /** The counts of a cause, of all further ones together where there are too many. */
  cause(fingerprint: string): CauseCounts {
    const known = this.causes.get(fingerprint);
    if (known) return known;
    if (this.causes.size >= causesMax && fingerprint !== otherCauses) return this.cause(otherCauses);
    const counts = { messages: 0, whole: 0 };
    this.causes.set(fingerprint, counts);
    return counts;
  }

  /** Adds what an earlier owner or process counted before. */
  add(earlier: StoredCounts): void {
    this.messages += earlier.messages;
    this.invalid += earlier.invalid;
    // Nothing else came since: the run goes on.
    if (this.run === this.messages - earlier.messages) this.run += earlier.run;
    for (const [fingerprint, [messages, whole]] of Object.entries(earlier.causes)) {
      const counts = this.cause(fingerprint);
      counts.messages += messages;
      counts.whole += whole;
    }
  }

  /** Is anything bad among what was counted? Then good messages change what a restart would bring back. */
  get hasBad(): boolean {
    return this.invalid > 0 || this.run > 0 || this.causes.size > 0;
  }

  halve(): void {
    this.isDirty ||= this.hasBad;
    this.messages = Math.floor(this.messages / 2);
    this.invalid = Math.floor(this.invalid / 2);
    for (const [fingerprint, counts] of this.causes) {
      counts.messages = Math.floor(counts.messages / 2);
      if (counts.messages + counts.whole === 0) this.causes.delete(fingerprint);
    }
  }

  /** Counts anew: what was counted is too old to say anything of the messages that come next. */
  forget(): void {
    this.isDirty ||= this.hasBad;
    [this.messages, this.invalid, this.run] = [0, 0, 0];
    this.causes.clear();
  }

  /** From now on what is kept whole counts anew. */
  forgetWhole(): void {
    for (const counts of this.causes.values()) counts.whole = 0;
  }

  toStored(): StoredCounts {
    const causes: Record<string, readonly [number, number]> = {};
    for (const [fingerprint, { messages, whole }] of this.causes) causes[fingerprint] = [messages, whole];
    return { messages: this.messages, invalid: this.invalid, run: this.run, causes };
  }
}

/** {@link FloodCounts} as they are stored: by fingerprint, the messages of the window and those kept whole. */
export interface StoredCounts {
  readonly messages: number;
  readonly invalid: number;
  readonly run: number;
  readonly causes: Readonly<Record<string, readonly [number, number]>>;
}
