import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import { chainOf, type JudgedRecord, type Outgoing } from './judged-record.ts';
import { placeOf, recordsMax } from './newer-messages.ts';
import { markOf } from './replay-headers.ts';

export interface TargetTailOptions {
  readonly wire: Wire;
  readonly planId: string;
  readonly topic: string;
  /** By partition, up to where the dry run has looked. */
  readonly from: readonly number[];
  /** The source topics of the plan, and the chains of what it has still to send, in hex. */
  readonly topics: readonly string[];
  readonly chains: ReadonlySet<string>;
}

/** Why a record stays behind. */
export function overtakenIn(topic: string): string {
  return `${topic} has a newer message of its key, which came after the plan was made`;
}

/**
 * What has come into the target of a plan since its dry run, of the keys that the plan has still to send. It is read on before each claim is sent, so
 * that a record which a newer message of its key has overtaken meanwhile stays behind. Only so many messages are read; then `gap` says so.
 */
export class TargetTail {
  readonly #options: TargetTailOptions;
  readonly #at: number[];
  /** The newest timestamp of each key, by partition and key. */
  readonly #newest = new Map<string, number>();
  #left = recordsMax;

  constructor(options: TargetTailOptions) {
    this.#options = options;
    this.#at = [...options.from];
  }

  /** Why not everything was looked at, null where it was. */
  get gap(): string | null {
    if (this.#left > 0) return null;
    return `While it ran, newer messages of a key were looked for in ${recordsMax.toLocaleString('en')} messages only.`;
  }

  /** The records, with those held that a newer message of their key has overtaken. */
  async hold(records: readonly JudgedRecord[]): Promise<JudgedRecord[]> {
    await this.#readOn();
    const message = overtakenIn(this.#options.topic);
    return records.map((record) =>
      record.held === null && this.#isOvertaken(record) ? { row: record.row, held: { forecast: 'superseded', message } } : record,
    );
  }

  #isOvertaken({ key, partition, timestamp }: Outgoing): boolean {
    return key !== null && timestamp >= 0 && (this.#newest.get(placeOf({ partition, key })) ?? -1) > timestamp;
  }

  async #readOn(): Promise<void> {
    const { wire, topic, planId } = this.#options;
    if (this.#left <= 0) return;
    for (const [partition, end] of (await wire.ends(topic)).entries()) {
      const from = this.#at[partition] ?? 0;
      const to = Math.min(end, from + Math.max(0, this.#left));
      const reached = await wire.read({ topic, partition, from, to }, (messages) => {
        for (const { key, timestamp, headers } of messages) {
          if (key === null || !this.#isOfPlan(key) || markOf(headers)?.planId === planId) continue;
          const place = placeOf({ partition, key });
          this.#newest.set(place, Math.max(timestamp, this.#newest.get(place) ?? -1));
        }
      });
      this.#at[partition] = Math.max(from, reached);
      this.#left -= Math.max(0, reached - from);
    }
  }

  #isOfPlan(key: Buffer): boolean {
    const { topics, chains } = this.#options;
    return topics.some((topic) => chains.has(chainOf(topic, key).toString('hex')));
  }
}
