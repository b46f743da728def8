import { Slab } from '../../model/slab.ts';
import type { SourceHandle } from '../../native/surface.ts';
import type { HeldPartition } from './assignment.ts';
import { errorPauseMs, type Intake, type Membership } from './intake.ts';
import type { NativeLane } from './native-lane.ts';

/** Messages straight from the client's queue into the slab's memory, on a thread of the pool. */
export class NativeIntake implements Intake {
  readonly #membership: Membership;
  readonly #lane: NativeLane;
  readonly #name: string;
  readonly #handle: SourceHandle;
  /** Without room: what polls with it takes nothing into it. */
  readonly #noRoom = Slab.allocate(0, 0);
  #carriedBytes = -1;

  /** `name` is what the connected consumer is called in this process. */
  constructor(membership: Membership, lane: NativeLane, name: string) {
    this.#membership = membership;
    this.#lane = lane;
    this.#name = name;
    this.#handle = lane.addon.openSource(name, membership.topics);
  }

  get carriedBytes(): number | null {
    return this.#carriedBytes < 0 ? null : this.#carriedBytes;
  }

  held({ topicIndex, partition, epoch, isHeld }: HeldPartition): void {
    this.#lane.addon.hold(this.#handle, topicIndex, partition, isHeld ? epoch : 0);
  }

  async fill(slab: Slab, waitMs: number): Promise<number> {
    const { rows, schemas, answers, bytes, count, bytesUsed } = slab;
    const filled = await this.#lane.addon.fill(this.#handle, rows, schemas, answers, bytes, count, bytesUsed, waitMs);
    slab.count += filled.appended;
    slab.bytesUsed = filled.bytesUsed;
    this.#carriedBytes = filled.carriedBytes;
    const { topics, assignment, stop, onError } = this.#membership;
    for (const { topic, partition, offset } of filled.stops) {
      const held = assignment.find(topics[topic] as string, partition);
      if (held) stop(held, offset, 'librdkafka cannot read the headers there.');
    }
    for (const error of filled.errors) onError(error);
    if (filled.errors.length > 0 && filled.appended === 0) await new Promise((resolve) => setTimeout(resolve, errorPauseMs));
    return filled.appended;
  }

  async poll(waitMs: number): Promise<void> {
    await this.fill(this.#noRoom, waitMs);
  }

  close(): void {
    this.#lane.addon.closeSource(this.#handle);
  }

  closed(): void {
    this.#lane.addon.forget(this.#name);
  }
}
