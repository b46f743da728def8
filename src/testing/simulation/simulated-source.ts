import { Assignment, type HeldPartition } from '../../drivers/kafka/assignment.ts';
import type { Rebalance, Source, TopicPartition } from '../../drivers/kafka/lane.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import type { Watermark } from '../../model/delivery.ts';
import { Slab } from '../../model/slab.ts';
import { type SourceMessage, topics } from './books.ts';
import type { Group, Member } from './group.ts';
import { crashed, type World } from './world.ts';

const commitMsInterval = 1_000;

/**
 * The reading half of a lane over the simulated cluster. It does what the client lane does with the real client: rebalances wait
 * for their answer, messages of partitions given back are dropped, stored offsets are committed by a timer and on the way out.
 */
export class SimulatedSource implements Source, Member {
  readonly topics = [topics.source];
  readonly name: string;
  readonly #world: World;
  readonly #group: Group;
  readonly #assignment = new Assignment([topics.source]);
  readonly #rebalances: Rebalance[] = [];
  /** Index of the next message to fetch, by partition. */
  readonly #next = new Map<number, number>();
  readonly #stored = new Map<number, { epoch: number; offsetNext: number }>();
  readonly #batchMax: number;
  readonly #carried: { message: SourceMessage; held: HeldPartition }[] = [];
  #waiter: Deferred | null = null;
  #paused = false;
  #isHeld = false;
  #state: 'open' | 'closed' | 'dead' = 'open';

  constructor(name: string, world: World, group: Group) {
    this.name = name;
    this.#world = world;
    this.#group = group;
    this.#batchMax = 1 + world.random.below(16);
    group.join(this);
    this.#commitByTimer();
  }

  /** The process is killed: nothing of it reaches the cluster any more. */
  die(): void {
    this.#state = 'dead';
    this.#waiter?.resolve();
    this.#group.leave(this, { quietly: true });
  }

  rebalance(rebalance: Rebalance): void {
    this.#rebalances.push(rebalance);
    this.#waiter?.resolve();
    this.#waiter = null;
  }

  get rebalancePending(): boolean {
    return this.#rebalances.length > 0;
  }

  get carriedBytes(): number | null {
    const [next] = this.#carried;
    return next ? Slab.bytesOf({ ...next.message, headers: [] }) : null;
  }

  async rebalanced(): Promise<void> {
    this.#mustLive();
    if (this.rebalancePending) return;
    this.#waiter ??= createDeferred();
    await this.#waiter.promise;
  }

  nextRebalance(): Rebalance | null {
    this.#mustLive();
    return this.#rebalances.shift() ?? null;
  }

  answer(rebalance: Rebalance): void {
    this.#mustLive();
    for (const { topic, partition } of rebalance.partitions) {
      if (rebalance.kind === 'assign') {
        this.#assignment.add({ topic, partition });
        const { messages, committed } = this.#books(partition);
        const index = messages.findIndex(({ offset }) => offset >= committed);
        this.#next.set(partition, index < 0 ? messages.length : index);
      } else {
        if (!rebalance.lost) this.#commit(partition);
        this.#stored.delete(partition);
        this.#next.delete(partition);
        this.#assignment.remove({ topic, partition });
      }
    }
    this.#group.answered(this, rebalance);
  }

  epochOf(topic: string, partition: number): number | null {
    return this.#assignment.find(topic, partition)?.epoch ?? null;
  }

  async fill(slab: Slab, waitMs: number): Promise<number> {
    const appended = this.#appendCarried(slab);
    if (this.#carried.length > 0) return appended;
    await this.#poll(this.#hasMore() ? this.#world.random.share() * Math.min(waitMs, 5) : waitMs);
    this.#fetch();
    return appended + this.#appendCarried(slab);
  }

  storeOffsets(watermarks: readonly Watermark[]): void {
    if (this.#state === 'dead') return;
    for (const { topic, partition, epoch, offsetNext } of watermarks) {
      const { books } = this.#world;
      const held = this.epochOf(topic, partition);
      if (held !== epoch) books.refuse(`${this.name} stored ${partition}/${offsetNext} of the stale epoch ${epoch}, now ${held}`);
      const before = this.#stored.get(partition);
      if (before && before.offsetNext >= offsetNext)
        books.refuse(`${this.name} stored ${partition}/${offsetNext} after ${before.offsetNext}`);
      books.checkStored(partition, offsetNext);
      this.#stored.set(partition, { epoch, offsetNext });
    }
  }

  commitStored(): void {
    this.#world.later(() => this.#commitAll());
  }

  async idle(waitMs: number): Promise<void> {
    this.#paused = true;
    await this.#poll(waitMs);
  }

  resume(): void {
    this.#paused = false;
  }

  partitionsOf(): readonly HeldPartition[] {
    return this.#assignment.all();
  }

  hold(): void {
    this.#isHeld = true;
  }

  async rewind({ topic, partition }: TopicPartition, offset: number): Promise<number> {
    await this.#world.time.clock.sleep(this.#world.random.below(10));
    this.#mustLive();
    this.#next.set(
      partition,
      this.#books(partition).messages.findIndex((message) => message.offset >= offset),
    );
    this.#assignment.remove({ topic, partition });
    return (this.#assignment.add({ topic, partition }) as HeldPartition).epoch;
  }

  release(): void {
    this.#isHeld = false;
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#commitAll();
    this.#state = 'closed';
    this.#group.leave(this, { quietly: false });
  }

  #mustLive(): void {
    if (this.#state === 'dead') throw crashed();
  }

  async #poll(waitMs: number): Promise<void> {
    this.#mustLive();
    this.#group.polled(this);
    await this.#world.time.clock.sleep(waitMs);
    this.#mustLive();
    this.#group.polled(this);
  }

  #books(partition: number): World['books']['partitions'][number] {
    return this.#world.books.partitions[partition] as World['books']['partitions'][number];
  }

  #hasMore(): boolean {
    for (const [partition, index] of this.#next) if (index < this.#books(partition).messages.length) return true;
    return false;
  }

  /** Takes messages of the held partitions, in runs of any length. */
  #fetch(): void {
    const { random } = this.#world;
    if (this.#paused || this.#isHeld || this.#world.isAway('broker')) return;
    const all = this.#assignment.all();
    for (let left = this.#batchMax, tries = all.length; left > 0 && tries > 0; tries--) {
      const held = all[random.below(all.length)] as HeldPartition;
      const { messages } = this.#books(held.partition);
      for (let run = 1 + random.below(left); run > 0; run--) {
        const index = this.#next.get(held.partition) ?? 0;
        const message = messages[index];
        if (!message) break;
        this.#carried.push({ message, held });
        this.#next.set(held.partition, index + 1);
        left -= 1;
      }
    }
  }

  #appendCarried(slab: Slab): number {
    let appended = 0;
    for (let next = this.#carried[0]; next; next = this.#carried[0]) {
      const { message, held } = next;
      if (held.isHeld) {
        const { offset, partition, value, key } = message;
        const { topicIndex: topic, epoch } = held;
        if (!slab.append({ offset, timestamp: offset, partition, topic, epoch, value, key, headers: [] })) return appended;
        appended += 1;
      }
      this.#carried.shift();
    }
    return appended;
  }

  #commitByTimer(): void {
    this.#world.time.schedule(commitMsInterval, () => {
      if (this.#state !== 'open') return;
      this.#commitAll();
      this.#commitByTimer();
    });
  }

  #commitAll(): void {
    if (this.#state !== 'open') return;
    for (const partition of this.#stored.keys()) this.#commit(partition);
  }

  #commit(partition: number): void {
    const stored = this.#stored.get(partition);
    if (!stored || this.#world.isAway('broker') || this.#world.fails()) return;
    this.#group.commit(this, partition, stored.offsetNext);
  }
}
