import type { Spool, SpooledFile } from '../../drivers/spool/spool.ts';
import type { Clock } from '../../lib/clock.ts';
import { type DataQuarantineError, hasCode, isRetryable } from '../../lib/errors.ts';
import type { Quarantined } from '../../model/record.ts';
import { decodeSpooled } from '../../store/spooled-record.ts';

export interface SpoolDrainOptions {
  readonly spool: Pick<Spool, 'isEmpty' | 'oldest' | 'remove' | 'adopt' | 'refuse'>;
  /** Ends when the records are kept for good, however long that takes. */
  readonly keep: (records: readonly Quarantined[]) => Promise<void>;
  readonly clock: Clock;
  /** What is kept at once. */
  readonly recordsMax: number;
  readonly signal: AbortSignal;
  readonly onDrained: (records: number) => void;
  /** A record will never be taken, and was put aside at `path`. */
  readonly onRefused: (error: DataQuarantineError, path: string) => void;
  /** The spool cannot be read or written for now. */
  readonly onTrouble: (error: DataQuarantineError) => void;
}

const pollMs = 250;
const troubleMs = 2_000;
const adoptMsInterval = 30_000;
/** A portion that took longer waited for the stores, mostly, and burdened nobody. */
const restMsMax = 1_000;

/**
 * Brings what waits in the spool to where it belongs, in the order in which it came, one file after another. It is the one who finds
 * out that the stores are back. After each portion it rests as long as that took, up to a second: half of its time is left to live work.
 * A file goes when all in it is kept, or put aside because it is refused for good; what a crash repeats is known by its id.
 */
export class SpoolDrain {
  readonly #options: SpoolDrainOptions;

  constructor(options: SpoolDrainOptions) {
    this.#options = options;
  }

  /** Runs until the signal. Throws what will not pass. */
  async run(): Promise<void> {
    const { spool, clock, signal, onTrouble } = this.#options;
    let adoptMs = clock.monotonic() + adoptMsInterval;
    while (!signal.aborted) {
      try {
        if (!spool.isEmpty) {
          await this.#drainFile();
          continue;
        }
        if (clock.monotonic() >= adoptMs) {
          await spool.adopt();
          adoptMs = clock.monotonic() + adoptMsInterval;
        }
        await clock.sleep(pollMs, signal);
      } catch (error) {
        // The signal ends waiting calls with the last failure of what they waited for.
        if (!isRetryable(error)) throw error;
        if (signal.aborted) return;
        onTrouble(error);
        await clock.sleep(troubleMs, signal);
      }
    }
  }

  async #drainFile(): Promise<void> {
    const { spool, clock, recordsMax, signal, onDrained } = this.#options;
    const file = await spool.oldest();
    if (!file) return;
    for (let from = 0; from < file.records.length; from += recordsMax) {
      const to = Math.min(from + recordsMax, file.records.length);
      const startedMs = clock.monotonic();
      const kept = await this.#keep(file, from, to);
      if (kept > 0) onDrained(kept);
      await clock.sleep(Math.min(clock.monotonic() - startedMs, restMsMax), signal);
    }
    // Behind the signal the spool may be closed, and the file another process's.
    if (signal.aborted) return;
    await spool.remove(file);
  }

  /** Keeps records of a file together, or in halves where one of them is refused for good: that one goes aside. Returns how many are kept. */
  async #keep(file: SpooledFile, from: number, to: number): Promise<number> {
    const { spool, keep, onRefused } = this.#options;
    try {
      await keep(file.records.slice(from, to).map(decodeSpooled));
      return to - from;
    } catch (error) {
      if (!hasCode(error, 'DQ_RECORD_CONFLICT') && !hasCode(error, 'DQ_STORAGE_CORRUPT')) throw error;
      if (to - from === 1) {
        onRefused(error, await spool.refuse(file, from));
        return 0;
      }
    }
    const middle = (from + to) >>> 1;
    return (await this.#keep(file, from, middle)) + (await this.#keep(file, middle, to));
  }
}
