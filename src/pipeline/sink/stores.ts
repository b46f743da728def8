import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SinkPolicy } from '../../lib/sink-policy.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import { laySegments } from '../../store/lay-segments.ts';
import type { RecordStore } from '../../store/record-store.ts';
import type { FrameParts } from '../../store/segment.ts';
import { sourceReference } from '../../store/source-reference.ts';

export type SinkName = 'storage' | 'postgres';

export interface StoresOptions {
  readonly storage: Pick<ObjectStore, 'put'>;
  readonly records: Pick<RecordStore, 'insert'>;
  readonly policies: Readonly<Record<SinkName, SinkPolicy>>;
  readonly clock: Clock;
  /** How long one call may take while there is another way. */
  readonly callMsMax: number;
  readonly onDuration: (sink: SinkName, seconds: number) => void;
}

/** `whileClosed`: gives up when a circuit opens. `forever`: until it is done. */
export type Patience = 'whileClosed' | 'forever';

/** A message as a segment keeps it. */
export type Original = FrameParts & { readonly topic: string; readonly isPointer?: boolean | undefined };

interface How {
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/**
 * Segment object, then row, in that order, so that whatever row a reader finds leads to a payload that is there. A repeat of a
 * record already kept adds no row: its stored place is read back.
 */
export class Stores {
  readonly #options: StoresOptions;

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  /** Is one of the two away? */
  get areAway(): boolean {
    const { storage, postgres } = this.#options.policies;
    return storage.isAway || postgres.isAway;
  }

  /** Where each record is kept. Throws a retryable error if patience or the signal ends it before; then nothing more is begun. */
  async keep(records: readonly Quarantined[], patience: Patience, signal: AbortSignal): Promise<StoredPlace[]> {
    const how: How = { patience, signal };
    const paths = await this.#putSegments(records, how);
    const rows = records.map((record, index) => ({ record, storagePath: paths[index] as string }));
    const before = await this.#call('postgres', how, () => this.#options.records.insert(rows));
    return rows.map(
      ({ record, storagePath }) =>
        before.get(record.id) ?? { storagePath, fingerprint: record.fault.fingerprint, quarantinedAt: record.quarantinedAt },
    );
  }

  /** Keeps messages without a row; returns each one's storage path. */
  async keepOriginals(originals: readonly Original[], signal: AbortSignal): Promise<string[]> {
    return this.#putSegments(originals, { patience: 'forever', signal });
  }

  /** Stores the messages in one segment a topic, but for pointers; returns each one's storage path. */
  async #putSegments(records: readonly Original[], how: How): Promise<string[]> {
    const { storage, clock } = this.#options;
    const { segments, paths } = laySegments(
      records.filter(({ isPointer }) => !isPointer),
      clock.now(),
    );
    // One key for all attempts: the store knows an object again that an attempt of unknown outcome left behind.
    await Promise.all(segments.map(({ key, bytes }) => this.#call('storage', how, () => storage.put(key, bytes))));
    const next = paths.values();
    return records.map((record) => (record.isPointer ? sourceReference(record) : (next.next().value as string)));
  }

  async #call<T>(sink: SinkName, { patience, signal }: How, work: () => Promise<T>): Promise<T> {
    const { policies, clock, callMsMax, onDuration } = this.#options;
    const startedMs = clock.monotonic();
    const policy = policies[sink];
    const result = await (patience === 'forever' ? policy.forever(work, signal) : policy.whileClosed(work, { msMax: callMsMax, signal }));
    onDuration(sink, (clock.monotonic() - startedMs) / 1000);
    return result;
  }
}
