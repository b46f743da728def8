import type { Settings } from '../config/settings.ts';
import type { Topics } from '../drivers/kafka-wire/topics.ts';
import { Spool } from '../drivers/spool/spool.ts';
import { spoolFolder } from '../drivers/spool/spool-folder.ts';
import { volumeOf } from '../drivers/spool/volume.ts';
import { createDeferred } from '../lib/deferred.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { retryForever } from '../lib/retry.ts';
import { within } from '../lib/within.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface LateSpoolOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly topics: Topics;
  /** Ends the trying. */
  readonly signal: AbortSignal;
  readonly onFatal: (error: unknown) => void;
}

const fileBytesMax = 2 * 2 ** 20;
/** A disk that takes longer hangs. */
const openMsMax = 5_000;

/**
 * The spool of the service, which may have to wait for its folder: a disk that is full, read-only or not mounted yet when the service starts
 * is tried again until it can be used. Until then it refuses what is appended. It knows what `/readyz` should say of it.
 */
export class LateSpool {
  readonly #options: LateSpoolOptions;
  readonly #dir: string;
  #spool: Spool | null = null;
  /** Why it is not open. */
  #missing = 'it is not open yet.';
  /** Why offsets do not hang on it, null where they may. */
  #unused: string | null = null;
  #aside: readonly string[] = [];

  constructor(options: LateSpoolOptions) {
    const { settings, topics } = options;
    this.#options = options;
    this.#dir = spoolFolder(settings.spool.dir, { clusterId: topics.cluster.clusterId, group: settings.kafka.groupId });
  }

  /** May offsets be committed on the spool alone (`spool.commit`)? */
  async mayCommit(): Promise<boolean> {
    const { settings, log } = this.#options;
    const { commit } = settings.spool;
    const passing = commit === 'auto' ? await this.#passing() : null;
    if (commit !== false && passing === null) return true;
    this.#unused = passing === null ? 'spool.commit is false' : `${this.#dir} lies on ${passing}, which may go with the process`;
    log.warn(`${this.#unused}; while a store is away, offsets wait and consumption pauses at its limit`);
    return false;
  }

  /** Opens it now, or as soon as that works; a disk that hangs holds nothing up. Throws what will not pass. */
  async open(onOpened: (spool: Spool) => void): Promise<void> {
    const { log, signal, onFatal } = this.#options;
    const away = createDeferred<DataQuarantineError>();
    const onRetry = (error: DataQuarantineError) => {
      this.#isMissing(error);
      away.resolve(error);
    };
    const opening = retryForever(() => this.#open(onOpened), { signal, onRetry });
    const isLate = () =>
      away.resolve(new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', `${this.#dir} did not answer within ${openMsMax} ms.`));
    const late = setTimeout(isLate, openMsMax);
    try {
      const error = await Promise.race([opening.then(() => null), away.promise]);
      if (error === null) return;
      this.#isMissing(error);
      log.warn({ code: error.code }, `${error.message}; offsets wait instead while a store is away, and it is tried again`);
    } finally {
      clearTimeout(late);
    }
    opening.catch((failure: unknown) => {
      if (!signal.aborted) onFatal(failure);
    });
  }

  /** Throws `DQ_SPOOL_UNAVAILABLE` while it is not open, and what the spool throws. */
  async append(records: readonly Buffer[]): Promise<void> {
    if (!this.#spool) throw new DataQuarantineError('DQ_SPOOL_UNAVAILABLE', this.#missing);
    await this.#spool.append(records);
  }

  /** A record was put aside there. */
  putAside(path: string): void {
    this.#aside = [...this.#aside, path];
    this.showHealth();
  }

  /** Says how it is while nothing is refused. */
  showHealth(): void {
    const { health } = this.#options;
    const [first] = this.#aside;
    if (this.#spool === null) health.readyBut('spool', `not in use: ${this.#missing}`);
    else if (first !== undefined) health.readyBut('spool', `${this.#aside.length} records were refused and put aside, as ${first}`);
    else if (this.#unused !== null) health.readyBut('spool', `not in use: ${this.#unused}`);
    else health.ready('spool');
  }

  async close(): Promise<void> {
    await this.#spool?.close();
  }

  /** What the folder lies on, where that goes with the process. What does not answer is no memory and no container's layer. */
  async #passing(): Promise<string | null> {
    let passing: string | null = null;
    const looked = volumeOf(this.#dir).then((volume) => {
      passing = volume?.passing ?? null;
    });
    await within(openMsMax, looked);
    return passing;
  }

  #isMissing({ message }: DataQuarantineError): void {
    this.#missing = message;
    this.showHealth();
  }

  async #open(onOpened: (spool: Spool) => void): Promise<void> {
    const { settings, log, metrics } = this.#options;
    const { bytesMax } = settings.spool;
    const spool = await Spool.open({
      dir: this.#dir,
      bytesMax,
      fileBytesMax: Math.min(bytesMax, fileBytesMax),
      onBytes: (bytes) => metrics.spoolBytes.set(bytes),
      onDamage: (damage) => {
        metrics.sinkErrors.inc({ sink: 'spool' });
        if (damage.kind === 'torn') log.warn(damage, 'a spool file had a torn tail, which was cut: a crash left it half written');
        else log.error(damage, 'a spool file is damaged; what cannot be read was put aside, and dq verify names its records');
      },
      onSkipped: (skipped) => {
        metrics.sinkErrors.inc({ sink: 'spool' });
        if (skipped.isGone)
          log.error(skipped, 'a spool file was removed by somebody else before it was drained; dq verify names its records');
        else log.error(skipped, 'a spool file cannot be read; those behind it are drained first, and it is tried again');
      },
    });
    try {
      this.#aside = await spool.refused();
    } catch (error) {
      // It is opened anew, and this part of the folder must then be free for it.
      await spool.close();
      throw error;
    }
    this.#spool = spool;
    if (!spool.isEmpty) log.info({ bytes: spool.bytes, dir: spool.dir }, 'the spool holds quarantined messages; they are drained now');
    if (this.#aside.length > 0)
      log.error(
        { paths: this.#aside.slice(0, 10) },
        `${this.#aside.length} records of the spool were refused and still lie aside; see docs/guarantee.md`,
      );
    this.showHealth();
    onOpened(spool);
  }
}
