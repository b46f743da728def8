import type { Fault } from '../../model/verdict.ts';
import { FloodCounts } from './flood-counts.ts';

/** When a topic is in flood, and what is done about it. */
export interface FloodRules {
  /** `alert`: says so, no more. `sample`: keeps some of each cause whole and points to the others. `pause`: consumes no more of the topic. */
  readonly action: 'alert' | 'sample' | 'pause';
  /** The share of `window` messages that may be bad, for all causes together and for each. */
  readonly share: number;
  readonly causeShare: number;
  readonly window: number;
  /** So many bad messages in a row are a flood whatever their share. */
  readonly consecutive: number;
  /** With `sample`: messages of each cause and partition that are kept whole. */
  readonly sampleCount: number;
}

/** Why a breaker tripped. */
export interface Trip {
  readonly reason: string;
  /** The fingerprint that most of it is about, null where none stands out. */
  readonly cause: string | null;
}

/**
 * The breaker of one topic, as far as this process knows it: what it counts of the partitions that it holds, and whether it tripped, here
 * or elsewhere. It trips at once when the limits are passed. It is calm when less than half of them is left; only
 * whoever knows all instances may close it.
 */
export class TopicFlood {
  readonly topic: string;
  readonly rules: FloodRules;
  readonly #partitions = new Map<number, FloodCounts>();
  /** The sum of all runs. */
  #inARow = 0;
  #runMax = 0;
  #trip: Trip | null = null;
  isMuted = false;

  constructor(topic: string, rules: FloodRules) {
    this.topic = topic;
    this.rules = rules;
  }

  get trip(): Trip | null {
    return this.#trip;
  }

  partition(partition: number): FloodCounts {
    let counts = this.#partitions.get(partition);
    if (!counts) {
      counts = new FloodCounts();
      this.#partitions.set(partition, counts);
    }
    return counts;
  }

  get partitions(): ReadonlyMap<number, FloodCounts> {
    return this.#partitions;
  }

  /** The partition is another's from now on. */
  release(partition: number): FloodCounts | null {
    const counts = this.#partitions.get(partition) ?? null;
    this.#partitions.delete(partition);
    this.recount();
    return counts;
  }

  /** Runs were changed from outside. */
  recount(): void {
    this.#inARow = 0;
    for (const { run } of this.#partitions.values()) this.#inARow += run;
    this.#runMax = Math.min(this.#runMax, this.#inARow);
  }

  /** Forgets what was counted of partitions that have been idle for so long: a topic that became quiet is in flood no more. */
  forgetIdle(nowMs: number, idleMsMax: number): void {
    for (const counts of this.#partitions.values()) {
      counts.idleSinceMs ??= nowMs;
      if (nowMs - counts.idleSinceMs >= idleMsMax) counts.forget();
    }
    this.recount();
  }

  /** So many messages that were not bad came last in the partition. */
  passed(counts: FloodCounts, messages: number): void {
    counts.isDirty ||= counts.hasBad;
    counts.idleSinceMs = null;
    counts.messages += messages;
    this.#inARow -= counts.run;
    counts.run = 0;
  }

  failed(counts: FloodCounts): void {
    counts.messages += 1;
    counts.invalid += 1;
    counts.run += 1;
    counts.isDirty = true;
    counts.idleSinceMs = null;
    this.#inARow += 1;
    if (this.#inARow > this.#runMax) this.#runMax = this.#inARow;
  }

  /** Looks whether what was counted is a flood. True when it trips now. */
  judge(faults: ReadonlySet<Fault>): boolean {
    const runMax = this.#runMax;
    this.#runMax = this.#inARow;
    const trip = this.#trip === null && !this.isMuted ? this.#tripNow(runMax, faults) : null;
    const { messages } = this.#sums();
    if (messages > this.rules.window) for (const counts of this.#partitions.values()) counts.halve();
    if (trip) this.tripped(trip);
    return trip !== null;
  }

  /** Is less than half of the limits reached? */
  get isCalm(): boolean {
    const { share, causeShare, window, consecutive } = this.rules;
    const { invalid } = this.#sums();
    if (invalid * 2 >= share * window || this.#inARow * 2 >= consecutive) return false;
    return invalid * 2 < causeShare * window || this.#topCause().messages * 2 < causeShare * window;
  }

  tripped(trip: Trip): void {
    if (this.#trip === null) for (const counts of this.#partitions.values()) counts.forgetWhole();
    this.#trip = trip;
  }

  /** The breaker is closed; what was counted stays. */
  closed(): void {
    this.#trip = null;
  }

  /** Somebody lifted the breaker: what was counted is forgotten. */
  lifted(): void {
    this.#trip = null;
    for (const partition of this.#partitions.keys()) this.#partitions.set(partition, new FloodCounts());
    this.#runMax = 0;
    this.recount();
  }

  /** The share of the window that is bad, 0 to 1. */
  get share(): number {
    const { messages, invalid } = this.#sums();
    return messages === 0 ? 0 : invalid / messages;
  }

  #tripNow(runMax: number, faults: ReadonlySet<Fault>): Trip | null {
    const { share, causeShare, window, consecutive } = this.rules;
    const { messages, invalid } = this.#sums();
    const isOver = invalid >= share * window;
    if (!isOver && runMax < consecutive && invalid < causeShare * window) return null;
    const top = this.#topCause();
    if (!isOver && runMax < consecutive && top.messages < causeShare * window) return null;
    const what = runMax >= consecutive ? `${runMax} messages in a row are bad` : `${invalid} of the last ${messages} messages are bad`;
    const most = top.fingerprint === null ? '' : `; ${top.messages} of one cause, ${describe(top.fingerprint, faults)}`;
    return { reason: `${what}${most}`, cause: top.fingerprint };
  }

  #sums(): { messages: number; invalid: number } {
    let [messages, invalid] = [0, 0];
    for (const counts of this.#partitions.values()) {
      messages += counts.messages;
      invalid += counts.invalid;
    }
    return { messages, invalid };
  }

  /** The cause of most bad messages in the window. */
  #topCause(): { fingerprint: string | null; messages: number } {
    const sums = new Map<string, number>();
    for (const { causes } of this.#partitions.values())
      for (const [fingerprint, { messages }] of causes) sums.set(fingerprint, (sums.get(fingerprint) ?? 0) + messages);
    let top: { fingerprint: string | null; messages: number } = { fingerprint: null, messages: 0 };
    for (const [fingerprint, messages] of sums) if (messages > top.messages) top = { fingerprint, messages };
    return top;
  }
}

/** The cause in words, where the batch that is being judged has it too. A path may show; a value never does. */
function describe(fingerprint: string, faults: ReadonlySet<Fault>): string {
  const fault = [...faults].find((one) => one.fingerprint === fingerprint);
  if (!fault) return fingerprint;
  const { error_type: type, field_path: path, schema_name: schema } = fault;
  return [`${type}${path ? ` at ${path}` : ''}${schema ? ` of ${schema}` : ''}`, fingerprint].join(', ');
}
