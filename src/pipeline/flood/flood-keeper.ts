import type { Clock } from '../../lib/clock.ts';
import { isRetryable } from '../../lib/errors.ts';
import type { Log } from '../../observe/log.ts';
import type { Flood } from './flood.ts';
import type { FloodCounts, StoredCounts } from './flood-counts.ts';
import type { TopicFlood, Trip } from './topic-flood.ts';

/** Where breakers and counts outlive the process, and are shared: the tables of `store/flood-store.ts`. */
export interface FloodShelf {
  breakers(): Promise<readonly ShelvedBreaker[]>;
  trip(topic: string, generation: number, trip: Trip): Promise<void>;
  touch(topic: string): Promise<void>;
  close(topic: string, calmMs: number): Promise<void>;
  load(partitions: readonly Place[]): Promise<readonly ShelvedCounts[]>;
  save(counts: readonly ShelvedCounts[]): Promise<void>;
}

export interface ShelvedBreaker {
  readonly topic: string;
  readonly generation: number;
  readonly trip: Trip | null;
  readonly mutedMs: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface ShelvedCounts extends Place, StoredCounts {
  readonly generation: number;
}

export interface FloodKeeperOptions {
  readonly flood: Flood;
  readonly shelf: FloodShelf;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told of a topic whose breaker tripped, here or elsewhere, or is closed again. */
  readonly onState: (topic: TopicFlood) => void;
}

/** What is known of a topic's breaker beside what its {@link TopicFlood} knows. */
interface Known {
  generation: number;
  /** It tripped here, and that is not shelved yet. */
  isNews: boolean;
  mutedUntilMs: number;
  calmSinceMs: number | null;
}

const syncMsInterval = 2_000;
/** A flood is over when no instance has seen it for so long. */
const calmMs = 60_000;
/** What was counted of a partition that has brought nothing for so long says nothing of what comes next. */
const idleMsMax = 600_000;

/**
 * Keeps the breakers of all instances of a group in step, every two seconds: what tripped here is told, what tripped, was lifted
 * or is calm elsewhere is learned, and what is counted of a partition is kept for its next owner. While the shelf is away, what was known last
 * holds, and the process goes on by itself.
 */
export class FloodKeeper {
  readonly #options: FloodKeeperOptions;
  readonly #known = new Map<string, Known>();
  /** Partitions whose earlier counts were not read yet; until then theirs are not written. */
  #toLoad: Place[] = [];
  /** Counts of partitions that were given back, to be written once. */
  #leaving: { readonly place: Place; readonly counts: FloodCounts }[] = [];
  #nudge = new AbortController();
  #isAway = false;

  constructor(options: FloodKeeperOptions) {
    this.#options = options;
    for (const { topic } of options.flood.topics)
      this.#known.set(topic, { generation: 0, isNews: false, mutedUntilMs: 0, calmSinceMs: null });
  }

  /** Runs until the signal, and writes a last time. Never throws: a breaker is no reason to end the service. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      await this.sync();
      const ended = AbortSignal.any([signal, this.#nudge.signal]);
      await clock.sleep(syncMsInterval, ended);
      this.#nudge = new AbortController();
    }
    await this.sync();
  }

  assigned(partitions: readonly Place[]): void {
    // From now on this instance has a say in whether the topic is calm, whatever comes of it.
    for (const { topic, partition } of partitions) this.#options.flood.of(topic)?.partition(partition);
    this.#toLoad.push(...partitions);
    this.#nudge.abort();
  }

  released(partitions: readonly Place[]): void {
    for (const { topic, partition } of partitions) {
      const isLoaded = !this.#toLoad.some((place) => place.topic === topic && place.partition === partition);
      this.#toLoad = this.#toLoad.filter((place) => place.topic !== topic || place.partition !== partition);
      const counts = this.#options.flood.of(topic)?.release(partition);
      if (counts?.isDirty && isLoaded) this.#leaving.push({ place: { topic, partition }, counts });
    }
    this.#nudge.abort();
  }

  /** A breaker tripped here. */
  tripped(topic: TopicFlood): void {
    this.#knownOf(topic).isNews = true;
    this.#options.onState(topic);
    this.#nudge.abort();
  }

  /** One round with the shelf. Afterwards, or when it is away, mutes end by this process's own clock. */
  async sync(): Promise<void> {
    const { flood, clock, log } = this.#options;
    for (const topic of flood.topics) topic.forgetIdle(clock.monotonic(), idleMsMax);
    try {
      await this.#learn();
      await this.#tellTrips();
      // What a partition that comes back left behind is written before it is read.
      await this.#save();
      await this.#load();
      await this.#tellMoods();
      if (this.#isAway) log.info('the state of the flood breakers is shared again');
      this.#isAway = false;
    } catch (error) {
      const advice = isRetryable(error) ? '' : ' (are the tables up to date, and may the user of postgres.url write them?)';
      if (!this.#isAway)
        log.warn({ err: error }, `the state of the flood breakers is not shared for now${advice}; what was known last holds`);
      this.#isAway = true;
    }
    for (const topic of flood.topics) topic.isMuted = this.#knownOf(topic).mutedUntilMs > clock.monotonic();
  }

  async #learn(): Promise<void> {
    const { flood, shelf, clock } = this.#options;
    const stored = new Map((await shelf.breakers()).map((breaker) => [breaker.topic, breaker]));
    for (const topic of flood.topics) {
      const known = this.#knownOf(topic);
      const breaker = stored.get(topic.topic);
      if (!breaker) {
        // It was never told, or its row was taken out: nobody could see it, nor lift it.
        known.isNews = topic.trip !== null;
        continue;
      }
      known.mutedUntilMs = clock.monotonic() + breaker.mutedMs;
      topic.isMuted = breaker.mutedMs > 0;
      // A smaller one is of a table that was made anew: nothing that is told with ours would be taken there.
      if (breaker.generation !== known.generation) this.#lifted(topic, breaker.generation);
      if (breaker.trip && !topic.trip) {
        topic.tripped(breaker.trip);
        this.#options.onState(topic);
      }
      if (!breaker.trip && topic.trip && !known.isNews) this.#closed(topic);
    }
  }

  #lifted(topic: TopicFlood, generation: number): void {
    Object.assign(this.#knownOf(topic), { generation, isNews: false });
    this.#leaving = this.#leaving.filter(({ place }) => place.topic !== topic.topic);
    const wasTripped = topic.trip !== null;
    topic.lifted();
    if (wasTripped) this.#options.onState(topic);
  }

  #closed(topic: TopicFlood): void {
    topic.closed();
    this.#options.onState(topic);
  }

  async #load(): Promise<void> {
    const { flood, shelf } = this.#options;
    const places = this.#toLoad;
    if (places.length === 0) return;
    const earlier = await shelf.load(places);
    // What was given back or assigned meanwhile is not among these.
    const mine = new Set(places.filter((place) => this.#toLoad.includes(place)).map(({ topic, partition }) => `${topic}/${partition}`));
    this.#toLoad = this.#toLoad.filter((place) => !places.includes(place));
    for (const { topic: name, partition, generation, ...counts } of earlier) {
      const topic = flood.of(name);
      if (!topic || !mine.has(`${name}/${partition}`) || generation !== this.#knownOf(topic).generation) continue;
      topic.partition(partition).add(counts);
      topic.recount();
    }
  }

  async #tellTrips(): Promise<void> {
    const { flood, shelf } = this.#options;
    for (const topic of flood.topics) {
      const known = this.#knownOf(topic);
      if (known.isNews && topic.trip) await shelf.trip(topic.topic, known.generation, topic.trip);
      known.isNews = false;
    }
  }

  /** Says that a flood goes on, or that it is over. One that consumption is paused for ends when somebody says so. */
  async #tellMoods(): Promise<void> {
    const { flood, shelf, clock } = this.#options;
    for (const topic of flood.topics) {
      const known = this.#knownOf(topic);
      const isCalm = topic.partitions.size > 0 && topic.isCalm;
      known.calmSinceMs = isCalm ? (known.calmSinceMs ?? clock.monotonic()) : null;
      if (topic.trip === null || topic.rules.action === 'pause') continue;
      if (!topic.isCalm) await shelf.touch(topic.topic);
      else if (known.calmSinceMs !== null && clock.monotonic() - known.calmSinceMs > calmMs) await shelf.close(topic.topic, calmMs);
    }
  }

  async #save(): Promise<void> {
    const { flood, shelf } = this.#options;
    const leaving = this.#leaving;
    const saved = leaving.map(({ place, counts }) => ({ ...place, generation: this.#generationOf(place.topic), ...counts.toStored() }));
    const dirty: FloodCounts[] = [];
    for (const topic of flood.topics) {
      for (const [partition, counts] of topic.partitions) {
        if (!counts.isDirty || this.#toLoad.some((place) => place.topic === topic.topic && place.partition === partition)) continue;
        dirty.push(counts);
        saved.push({ topic: topic.topic, partition, generation: this.#generationOf(topic.topic), ...counts.toStored() });
      }
    }
    if (saved.length === 0) return;
    for (const counts of dirty) counts.isDirty = false;
    try {
      await shelf.save(saved);
    } catch (error) {
      for (const counts of dirty) counts.isDirty = true;
      throw error;
    }
    this.#leaving = this.#leaving.filter((one) => !leaving.includes(one));
  }

  #generationOf(topic: string): number {
    return this.#known.get(topic)?.generation ?? 0;
  }

  #knownOf({ topic }: TopicFlood): Known {
    return this.#known.get(topic) as Known;
  }
}
