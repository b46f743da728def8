import type { Publication, Publisher, Refusal } from '../../drivers/kafka/lane.ts';
import type { Batch } from '../../model/batch.ts';
import type { Delivery, Mended, Passage, Receipt, Reject } from '../../model/delivery.ts';
import type { Fault } from '../../model/verdict.ts';
import { publishMended } from './publish-mended.ts';
import type { Quarantine } from './quarantine.ts';

export interface SinkOptions {
  readonly publisher: Publisher;
  readonly validTopic: string;
  /** Does the valid topic refuse messages without a key, as a compacted one does? Then they are not even sent. */
  readonly keyRequired: boolean;
  readonly quarantine: Quarantine;
  /** Turns a refusal of the valid topic into the fault that the record will carry. */
  readonly faultOf: (batch: Batch, refusal: Refusal) => Fault;
}

/**
 * The last place before a message may be forgotten: the good go to the valid topic, the bad into quarantine, both at once. What
 * the valid topic refuses for good is bad after all. Deliveries must be handed over in order: the call itself takes the place in the
 * valid topic's line.
 */
export class Sink {
  readonly #options: SinkOptions;
  /** Ends when the last publication that waits for originals to be kept may enter the line; null where none waits. */
  #line: Promise<unknown> | null = null;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Should more be consumed? */
  get hasRoom(): boolean {
    return this.#options.quarantine.hasRoom;
  }

  /** Resolves when there is room. */
  freed(): Promise<void> {
    return this.#options.quarantine.freed();
  }

  deliver(delivery: Delivery): Passage {
    const { batch, rejects, mended } = delivery;
    const { quarantine } = this.#options;
    const bad = quarantine.keep(batch, rejects);
    const forwarded = this.#forward(delivery).then((refused) => ({ refused, late: quarantine.keep(batch, refused) }));
    const passed = async (): Promise<Receipt> => {
      const { refused, late } = await forwarded;
      await Promise.all([bad.copied, late.copied]);
      return { batch, rejects: refused.length > 0 ? [...rejects, ...refused] : rejects, ...(mended && { mended }) };
    };
    return { passed: passed(), kept: Promise.all([bad.kept, forwarded.then(({ late }) => late.kept)]) };
  }

  async #forward({ batch, rows, partitions, keys, mended }: Delivery): Promise<readonly Reject[]> {
    if (rows.length === 0) return [];
    const { validTopic, keyRequired, faultOf } = this.#options;
    const keyless = keyRequired ? [...rows].filter((row) => batch.slab.key(row) === null && !keys.has(row)) : [];
    const kept = keyless.length > 0 ? without(rows, partitions, new Set(keyless)) : { rows, partitions };
    const whole = { topic: validTopic, slab: batch.slab, ...kept, keys };
    const refusals = await this.#publish(whole, batch, mended);
    const refused = keyless.map(
      (row): Refusal => ({ row, reason: 'refused', message: 'a compacted topic takes no message without a key' }),
    );
    return [...refusals, ...refused].map((refusal) => ({ row: refusal.row, fault: faultOf(batch, refusal) }));
  }

  /** What names the place of an original goes when that is kept, and all behind it wait: to overtake would break the order. */
  async #publish(whole: Publication, batch: Batch, mended: ReadonlyMap<number, Mended> | undefined): Promise<readonly Refusal[]> {
    const { publisher, quarantine } = this.#options;
    if (!mended && !this.#line) return publisher.publish(whole);
    const rows = mended ? [...whole.rows].filter((row) => mended.get(row)?.keepOriginal) : [];
    const kept = rows.length > 0 ? quarantine.keepOriginals(batch, rows) : null;
    const publish = (originals: ReadonlyMap<number, string>) =>
      mended ? publishMended(publisher, whole, { batch, mended, originals }) : publisher.publish(whole);
    if (!kept && !this.#line) return publish(new Map());
    const turn = Promise.all([kept, this.#line]);
    this.#line = turn;
    const [originals] = await turn;
    const published = publish(originals ?? new Map<number, string>());
    if (this.#line === turn) this.#line = null;
    return published;
  }
}

function without(rows: Int32Array, partitions: Int32Array, left: ReadonlySet<number>): { rows: Int32Array; partitions: Int32Array } {
  return {
    rows: rows.filter((row) => !left.has(row)),
    partitions: partitions.filter((_, index) => !left.has(rows[index] as number)),
  };
}
