import type { TopicPartition } from './lane.ts';

/** A partition from its assignment until it is given back. Assigned again, it is another one with another epoch. */
export interface HeldPartition extends TopicPartition {
  /** Index of the topic among the source's topics. */
  readonly topicIndex: number;
  readonly epoch: number;
  /** False once the partition was given back: whatever was consumed of it and not yet batched is the next owner's. */
  isHeld: boolean;
  /** Nothing more of it may be taken: the lane cannot carry its next message. */
  isStopped: boolean;
}

/** The partitions that this member holds. An epoch is never used twice in a process, so it names one assignment of one partition. */
export class Assignment {
  readonly #topicIndex: ReadonlyMap<string, number>;
  readonly #byTopic = new Map<string, (HeldPartition | undefined)[]>();
  #epochLast = 0;

  constructor(topics: readonly string[]) {
    this.#topicIndex = new Map(topics.map((topic, index) => [topic, index]));
  }

  /** The partition in a new epoch, null when its topic is none of ours. */
  add({ topic, partition }: TopicPartition): HeldPartition | null {
    const topicIndex = this.#topicIndex.get(topic);
    // A subscription is to exactly these topics; a partition of another would be nobody's to read.
    if (topicIndex === undefined) return null;
    const held = this.#byTopic.get(topic) ?? [];
    const added: HeldPartition = { topic, partition, topicIndex, epoch: ++this.#epochLast, isHeld: true, isStopped: false };
    held[partition] = added;
    this.#byTopic.set(topic, held);
    return added;
  }

  /** The partition that is no longer held, null when it was not. */
  remove({ topic, partition }: TopicPartition): HeldPartition | null {
    const held = this.#byTopic.get(topic);
    const before = held?.[partition];
    if (!held || !before) return null;
    before.isHeld = false;
    held[partition] = undefined;
    return before;
  }

  find(topic: string, partition: number): HeldPartition | null {
    return this.#byTopic.get(topic)?.[partition] ?? null;
  }

  all(): HeldPartition[] {
    return [...this.#byTopic.values()].flatMap((held) => held.filter((partition) => partition !== undefined));
  }
}
