import type { Rebalance, Source, TopicPartition } from '../../drivers/kafka/lane.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Slab } from '../../model/slab.ts';
import type { Log } from '../../observe/log.ts';

/** Who must know when partitions come and go: the committer. */
export interface PartitionHolder {
  assign(topic: string, partition: number, epoch: number): void;
  release(topic: string, partition: number): void;
  /** Hands what is settled to the offset store. */
  flush(): void;
  /** Ends when nothing of these partitions is open. */
  settled(partitions: readonly TopicPartition[]): Promise<void>;
  /** Is something of these partitions open that can still settle? */
  isOpen(partitions: readonly TopicPartition[]): boolean;
  /** Was something of held partitions of the topic withheld? */
  hasWithheld(topic: string): boolean;
  /** Where a partition must be read again, because messages of it were withheld; null where none were. */
  withheldFrom(topic: string, partition: number): number | null;
}

export interface ConsumerOptions {
  readonly source: Source;
  readonly holder: PartitionHolder;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a revoked partition may keep the group waiting for its open messages. */
  readonly revokeMsMax: number;
  /** After how long without room the partitions are paused and the client is polled, to stay in the group. */
  readonly idleAfterMs: number;
  /** Must no more of the topic be taken for now? */
  readonly isHeld: (topic: string) => boolean;
  /** Told of every answered rebalance, and how many partitions are held after it. */
  readonly onRebalanced: (rebalance: Rebalance, held: number) => void;
}

const idlePollMs = 100;

/**
 * The consume stage: the one loop that may touch the source. Rebalances are answered between batches only. A revoked partition is
 * drained first: its open messages settle, their offsets are stored, then it is given back and the client commits them on the way.
 * What does not settle in time is given back uncommitted, and the next owner reads it again.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  #held = 0;
  readonly #topicsHeld = new Set<string>();

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  get topics(): readonly string[] {
    return this.#options.source.topics;
  }

  get rebalancePending(): boolean {
    return this.#options.source.rebalancePending;
  }

  get carriedBytes(): number | null {
    return this.#options.source.carriedBytes;
  }

  fill(slab: Slab, waitMs: number): Promise<number> {
    return this.#options.source.fill(slab, waitMs);
  }

  /** Answers every waiting rebalance, in order. */
  async answerRebalances(): Promise<void> {
    const { source, holder, log, onRebalanced } = this.#options;
    for (let rebalance = source.nextRebalance(); rebalance; rebalance = source.nextRebalance()) {
      const { kind, partitions, lost } = rebalance;
      if (kind === 'revoke') {
        if (!lost) await this.#drain(partitions);
        for (const { topic, partition } of partitions) holder.release(topic, partition);
      }
      source.answer(rebalance);
      if (kind === 'assign') {
        for (const { topic, partition } of partitions) holder.assign(topic, partition, source.epochOf(topic, partition) as number);
      }
      this.#held += kind === 'assign' ? partitions.length : -partitions.length;
      onRebalanced(rebalance, this.#held);
      log.info({ kind, lost, partitions: partitions.map(({ topic, partition }) => `${topic}/${partition}`) }, 'rebalanced');
    }
  }

  /**
   * Takes no more of topics that are held back, and reads on where they stopped once they are not: from the first message that was withheld,
   * in a new epoch, as soon as all before it is settled.
   */
  async holdTopics(): Promise<void> {
    const { source, holder, log, isHeld } = this.#options;
    for (const topic of source.topics) {
      const wasHeld = this.#topicsHeld.has(topic);
      if (isHeld(topic)) {
        if (wasHeld) continue;
        this.#topicsHeld.add(topic);
        source.hold(topic);
        log.warn({ topic }, 'consumption of the topic is paused');
        continue;
      }
      // Messages may have been withheld and let through between two turns.
      if (!wasHeld && !holder.hasWithheld(topic)) continue;
      const partitions = source.partitionsOf(topic);
      if (holder.isOpen(partitions)) continue;
      // Behind a rewind nothing of the old epoch may be stored.
      holder.flush();
      for (const { partition } of partitions) {
        const offset = holder.withheldFrom(topic, partition);
        if (offset === null) continue;
        const epoch = await source.rewind({ topic, partition }, offset);
        holder.assign(topic, partition, epoch);
      }
      this.#topicsHeld.delete(topic);
      source.release(topic);
      log.info({ topic }, 'consumption of the topic goes on');
    }
  }

  /** Waits until there is room, answering rebalances and keeping the membership alive meanwhile. */
  async waitFor(room: () => Promise<void>, hasRoom: () => boolean): Promise<void> {
    const { source, clock, idleAfterMs } = this.#options;
    const startedMs = clock.monotonic();
    while (!hasRoom()) {
      await this.answerRebalances();
      const waitedLong = clock.monotonic() - startedMs > idleAfterMs;
      if (waitedLong) await this.keepAlive();
      const timer = new AbortController();
      await Promise.race([room(), source.rebalanced(), clock.sleep(1_000, timer.signal)]);
      timer.abort();
    }
    source.resume();
  }

  /** Takes nothing, but lets the client be heard: rebalances and the results of commits come only while it is polled. */
  async keepAlive(): Promise<void> {
    await this.#options.source.idle(idlePollMs);
  }

  async #drain(partitions: readonly TopicPartition[]): Promise<void> {
    const { holder, clock, log, revokeMsMax } = this.#options;
    const timer = new AbortController();
    let drained = false;
    const settled = holder.settled(partitions).then(() => {
      drained = true;
    });
    await Promise.race([settled, clock.sleep(revokeMsMax, timer.signal)]);
    timer.abort();
    if (!drained)
      log.warn({ revokeMsMax }, 'revoked partitions were given back before their open messages settled; the next owner reads them again');
    holder.flush();
  }
}
