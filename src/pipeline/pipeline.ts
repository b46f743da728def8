import type { Clock } from '../lib/clock.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import type { Batch } from '../model/batch.ts';
import type { Judged, Receipt } from '../model/delivery.ts';
import type { SlabRing } from '../model/slab-ring.ts';
import { admit } from './admit.ts';
import type { Batcher } from './batch/batcher.ts';
import type { Committer } from './commit/committer.ts';
import type { Consumer } from './consume/consumer.ts';
import type { Flood } from './flood/flood.ts';
import { route } from './route/route.ts';
import type { Sink } from './sink/sink.ts';

export interface PipelineOptions {
  readonly consumer: Pick<
    Consumer,
    'answerRebalances' | 'holdTopics' | 'waitFor' | 'keepAlive' | 'fill' | 'topics' | 'carriedBytes' | 'rebalancePending'
  >;
  readonly ring: SlabRing;
  readonly batcher: Batcher;
  readonly validator: { judge(batch: Batch): Promise<Judged> };
  readonly flood: Flood;
  readonly validPartitions: number;
  readonly sink: Pick<Sink, 'deliver' | 'hasRoom' | 'freed'>;
  readonly committer: Committer;
  readonly clock: Clock;
  /** Ends when the sink is not behind with its acknowledgements. */
  readonly caughtUp: () => Promise<void>;
  /** Told once for every consumed batch. */
  readonly onTaken: (batch: Batch) => void;
  /** Told once for every batch, just before its slab is used again; what it gives is called when the batch is settled. */
  readonly onPassed: (receipt: Receipt) => (nowMs: number) => void;
  /** Told at every turn of the loop. */
  readonly onTurn: () => void;
  /** How long a stop may wait for what is open. */
  readonly drainMsMax: number;
  readonly flushMsInterval: number;
}

/**
 * The data's way, read downward in {@link Pipeline.run}. The loop consumes and batches; everything behind runs beside it, several
 * batches at once, but batches are routed and handed to the sink in the order they were consumed. What fails here cannot be mended
 * here: the first error stops the loop and `run` throws it; whatever was open stays uncommitted and is read again.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  #inOrder: Promise<void> = Promise.resolve();
  #stopping = false;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Consumes until `stop`, then drains. Throws what ended it otherwise. */
  async run(): Promise<void> {
    const { consumer, ring, batcher, sink, committer, onTurn, flushMsInterval } = this.#options;
    const flushing = setInterval(() => this.#guard(() => committer.flush()), flushMsInterval);
    try {
      while (!this.#stopping) {
        await consumer.answerRebalances();
        await consumer.holdTopics();
        await consumer.waitFor(
          () => (ring.hasFree ? sink.freed() : ring.freed()),
          () => {
            onTurn();
            return (ring.hasFree && sink.hasRoom) || this.#stopping;
          },
        );
        if (this.#stopping) break;
        await this.#options.caughtUp();
        const batch = await batcher.next(consumer);
        if (batch) this.#process(batch);
      }
      await this.#drain();
    } finally {
      clearInterval(flushing);
    }
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends the loop after its current turn; from now on what is open has its limit to settle. */
  stop(): void {
    this.#stopping = true;
    this.#deadlineMs = Math.min(this.#deadlineMs, this.#options.clock.monotonic() + this.#options.drainMsMax);
  }

  /** Ends the loop because something outside of it failed for good. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  /** validate → admit → route → sink → commit, beside the loop. The sink takes batches in order and settles them in any. */
  #process(batch: Batch): void {
    const { validator, validPartitions, sink, committer, onTaken } = this.#options;
    committer.track(batch);
    onTaken(batch);
    const judged = validator.judge(batch);
    // Its turn may be far off: until then nobody listens, and a failure must not end the process unheard.
    judged.catch(() => {});
    this.#inOrder = this.#inOrder
      .then(async () => {
        const delivery = route(batch, admit(batch, await judged, this.#options), validPartitions);
        // After a failure nothing more goes out: it would only be sent again, behind what failed.
        if (this.#failure) return;
        const { passed, kept } = sink.deliver(delivery);
        Promise.all([passed.then((receipt) => this.#release(receipt)), kept]).then(
          ([onSettled]) => this.#guard(() => this.#settle(batch, onSettled)),
          (error: unknown) => this.fail(error),
        );
      })
      .catch((error: unknown) => this.fail(error));
  }

  /** The bad messages of a batch may wait long for their stores; its slab need not. */
  #release(receipt: Receipt): (nowMs: number) => void {
    const onSettled = this.#options.onPassed(receipt);
    this.#options.ring.give(receipt.batch.slab);
    return onSettled;
  }

  #settle(batch: Batch, onSettled: (nowMs: number) => void): void {
    const { committer, clock } = this.#options;
    committer.settle(batch);
    onSettled(clock.now());
  }

  async #drain(): Promise<void> {
    const { consumer, committer, clock, drainMsMax, onTurn } = this.#options;
    while (committer.openBatches > 0 && !this.#failure && clock.monotonic() < this.#deadlineMs) {
      onTurn();
      await consumer.answerRebalances();
      await consumer.keepAlive();
    }
    committer.flush();
    if (committer.openBatches > 0) {
      this.fail(
        new DataQuarantineError(
          'DQ_DRAIN_TIMEOUT',
          `${committer.openBatches} batches were still open after ${drainMsMax} ms; they are read again`,
        ),
      );
    }
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }
}
