import { Spool } from '../../drivers/spool/spool.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import { retryForever } from '../../lib/retry.ts';
import { within } from '../../lib/within.ts';
import type { Quarantined } from '../../model/record.ts';
import { SpoolDrain } from '../../pipeline/sink/spool-drain.ts';
import { decodeSpooled } from '../../store/spooled-record.ts';
import type { ProcessDisk } from './simulated-disk.ts';
import type { World } from './world.ts';

export interface SimulatedSpoolOptions {
  readonly world: World;
  readonly disk: ProcessDisk;
  readonly keep: (records: readonly Quarantined[]) => Promise<void>;
  readonly signal: AbortSignal;
  readonly onFatal: (error: unknown) => void;
}

const drainEndMsMax = 1_000;

/** The real spool with its drain on the simulated disk, joined as `open-quarantine.ts` joins them. */
export class SimulatedSpool {
  readonly #options: SimulatedSpoolOptions;
  #spool: Spool | null = null;
  #drained: Promise<void> = Promise.resolve();

  constructor(options: SimulatedSpoolOptions) {
    this.#options = options;
  }

  /** Opens it as soon as its disk allows it, and drains what lies there. */
  async open(): Promise<void> {
    const { world, disk, keep, signal, onFatal } = this.#options;
    const { random, time, books } = world;
    try {
      const spool = await retryForever(
        () =>
          Spool.open({
            dir: '/spool',
            disk,
            bytesMax: random.share() < 0.2 ? 5_000 : 1_000_000,
            fileBytesMax: 200 + random.below(4_000),
            onBytes: () => {},
            onDamage: ({ kind, file }) => books.note(`${file} is ${kind}`),
            onSkipped: ({ file, reason }) => books.note(`${file} is skipped: ${reason}`),
          }),
        { signal },
      );
      this.#spool = spool;
      const drain = new SpoolDrain({
        spool,
        keep,
        clock: time.clock,
        recordsMax: 1 + random.below(10),
        signal,
        onDrained: () => {},
        onRefused: ({ message }, path) => books.refuse(`a record of the spool was put aside as ${path}: ${message}`),
        onTrouble: () => {},
      });
      this.#drained = drain.run();
      this.#drained.catch(onFatal);
    } catch (error) {
      if (!signal.aborted) onFatal(error);
    }
  }

  async append(records: readonly Buffer[]): Promise<void> {
    if (!this.#spool) throw new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', 'the spool is not open yet');
    await this.#spool.append(records);
    for (const { partition, offset } of records.map(decodeSpooled)) this.#options.world.books.addSpooled(partition, offset);
  }

  async close(): Promise<void> {
    await within(
      drainEndMsMax,
      this.#drained.catch(() => {}),
    );
    await this.#spool?.close();
  }
}
