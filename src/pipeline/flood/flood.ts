import type { Batch, Claim } from '../../model/batch.ts';
import type { Reject } from '../../model/delivery.ts';
import { answer } from '../../model/slab.ts';
import type { Fault } from '../../model/verdict.ts';
import type { FloodCounts } from './flood-counts.ts';
import { type FloodRules, TopicFlood, type Trip } from './topic-flood.ts';

export interface FloodOptions {
  readonly topics: readonly string[];
  readonly rulesOf: (topic: string) => FloodRules;
  /** Will the source hold a message of that time for long enough? Then a pointer to it is worth something. */
  readonly mayPoint: (topic: string, timestampMs: number) => boolean;
  /** The breaker of a topic tripped here. */
  readonly onTrip: (topic: string, trip: Trip) => void;
  /** So many bad messages are kept as pointers. */
  readonly onPointers: (topic: string, messages: number) => void;
}

/** A claim that is counted, and what it counts for. */
interface Counting {
  readonly topic: TopicFlood;
  readonly counts: FloodCounts;
}

/**
 * The flood breaker: it counts what the judges say, before anything of a batch is written, and says what becomes of the bad messages of a
 * topic that is in flood. It knows the partitions that this process holds; what it learns of others comes through its topics' breakers.
 */
export class Flood {
  readonly #options: FloodOptions;
  readonly #topics: ReadonlyMap<string, TopicFlood>;

  constructor(options: FloodOptions) {
    this.#options = options;
    this.#topics = new Map(options.topics.map((topic) => [topic, new TopicFlood(topic, options.rulesOf(topic))]));
  }

  get topics(): Iterable<TopicFlood> {
    return this.#topics.values();
  }

  /** The breaker of a topic, null for a topic that is none of ours. */
  of(topic: string): TopicFlood | null {
    return this.#topics.get(topic) ?? null;
  }

  /** Must the topic's messages wait? */
  isHeld(topic: string): boolean {
    const flood = this.#topics.get(topic);
    return flood !== undefined && flood.trip !== null && flood.rules.action === 'pause';
  }

  /** Counts these claims of a judged batch; then marks the rejects that are kept as pointers. */
  judge(batch: Batch, rejects: readonly Reject[], claims: readonly Claim[]): void {
    const counting = new Map<number, Counting>();
    for (const { topic, partition, epoch } of claims) {
      const flood = this.#topics.get(topic);
      if (flood) counting.set(epoch, { topic: flood, counts: flood.partition(partition) });
    }
    if (rejects.length === 0) for (const { epoch, messages } of claims) pass(counting.get(epoch), messages);
    else countRows(batch, counting);
    const faults = rejects.length > 0 ? countCauses(batch, rejects, counting) : noFaults;
    for (const topic of new Set([...counting.values()].map((one) => one.topic)))
      if (topic.judge(faults)) this.#options.onTrip(topic.topic, topic.trip as Trip);
    if (rejects.length > 0) this.#sample(batch, rejects, counting);
  }

  /** The first messages of each cause stay whole; of the others the source keeps the payload. */
  #sample({ slab }: Batch, rejects: readonly Reject[], counting: ReadonlyMap<number, Counting>): void {
    const { mayPoint, onPointers } = this.#options;
    const pointers = new Map<string, number>();
    for (const { row, fault } of rejects) {
      const one = counting.get(slab.epoch(row));
      if (!one || one.topic.trip === null || one.topic.rules.action !== 'sample') continue;
      const { topic, rules } = one.topic;
      const cause = one.counts.cause(fault.fingerprint);
      if (cause.whole < rules.sampleCount) cause.whole += 1;
      else if (mayPoint(topic, slab.timestamp(row))) {
        slab.answers[row] = answer.pointer;
        pointers.set(topic, (pointers.get(topic) ?? 0) + 1);
      }
    }
    for (const [topic, messages] of pointers) onPointers(topic, messages);
  }
}

const noFaults: ReadonlySet<Fault> = new Set();

function pass(one: Counting | undefined, messages: number): void {
  one?.topic.passed(one.counts, messages);
}

/** Runs need the order of the rows. They come in stretches of one partition. */
function countRows({ slab }: Batch, counting: ReadonlyMap<number, Counting>): void {
  let [epochLast, one]: [number, Counting | undefined] = [-1, undefined];
  for (let row = 0; row < slab.count; row++) {
    const epoch = slab.epoch(row);
    if (epoch !== epochLast) one = counting.get(epoch);
    epochLast = epoch;
    if (slab.answers[row] !== answer.faulty) pass(one, 1);
    else one?.topic.failed(one.counts);
  }
}

function countCauses({ slab }: Batch, rejects: readonly Reject[], counting: ReadonlyMap<number, Counting>): ReadonlySet<Fault> {
  const faults = new Set<Fault>();
  for (const { row, fault } of rejects) {
    const one = counting.get(slab.epoch(row));
    if (one) one.counts.cause(fault.fingerprint).messages += 1;
    faults.add(fault);
  }
  return faults;
}
