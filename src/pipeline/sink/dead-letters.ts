import type { Publisher } from '../../drivers/kafka/lane.ts';
import { assert } from '../../lib/assert.ts';
import { ByteWriter } from '../../lib/byte-writer.ts';
import type { Quarantined, StoredPlace } from '../../model/record.ts';
import type { Slab } from '../../model/slab.ts';
import { SlabRing } from '../../model/slab-ring.ts';
import { isSourceReference } from '../../store/source-reference.ts';
import type { DeadLetterForm } from './cause-text.ts';
import { deadLetterBytesMax, writeDeadLetter } from './dead-letter.ts';

export interface DeadLettersOptions {
  readonly publisher: Publisher;
  readonly dlqTopic: string;
  readonly dlqPartitions: number;
  /** The largest message that the dead letter topic takes: a value beyond it is not even tried. */
  readonly dlqBytesMax: number;
}

/** Letters on their way: whose they are, and in which form each goes. */
interface Sending {
  readonly records: readonly Quarantined[];
  readonly places: readonly StoredPlace[];
  /** Index into `letterForms`, by record. */
  readonly forms: Uint8Array;
}

/** From the fullest to the smallest. */
const letterForms: readonly DeadLetterForm[] = ['whole', 'pointer', 'bare'];
const [whole, pointer] = [0, 1];
const slabs = { slabs: 5, rowsMax: 2_048, bytesMax: 2 * 2 ** 20 };
const everyRow = Int32Array.from({ length: slabs.rowsMax }, (_, row) => row);
const noKeys: ReadonlyMap<number, Uint8Array> = new Map();

/**
 * Writes dead letters into slabs of their own and publishes them, each in the fullest form that fits; what the topic still refuses
 * goes in the next smaller one. The slabs are used over and over: while all are out, nothing more is written.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #ring = new SlabRing(slabs);

  constructor(options: DeadLettersOptions) {
    assert(options.dlqPartitions > 0, 'the dead letter topic has partitions');
    this.#options = options;
  }

  /** Resolves when all letters stand in the topic's line, in order; what it gives, when all are acknowledged. */
  send(records: readonly Quarantined[], places: readonly StoredPlace[]): Promise<{ acknowledged: Promise<unknown> }> {
    // Where the payload was left in the source, a letter that carried it would be larger than what was saved.
    const forms = Uint8Array.from(places, ({ storagePath }) => (isSourceReference(storagePath) ? pointer : whole));
    return this.#handOver({ records, places, forms }, Int32Array.from(records.keys()));
  }

  async #handOver(load: Sending, indexes: Int32Array): Promise<{ acknowledged: Promise<unknown> }> {
    const published: Promise<unknown>[] = [];
    for (let from = 0; from < indexes.length; ) {
      while (!this.#ring.hasFree) await this.#ring.freed();
      const { slab, partitions } = this.#write(load, indexes.subarray(from));
      const to = from + slab.count;
      const settled = this.#publish(load, indexes.subarray(from, to), { slab, partitions });
      // Nobody listens before the last one is handed over, and a failure must not end the process unheard.
      settled.catch(() => {});
      published.push(settled);
      from = to;
    }
    return { acknowledged: Promise.all(published) };
  }

  /** Fills a slab with as many of the letters as it holds, at least one. */
  #write(load: Sending, indexes: Int32Array): { slab: Slab; partitions: Int32Array } {
    const slab = this.#ring.take(this.#bytesMax(load, indexes[0] as number));
    const writer = new ByteWriter(slab.bytes, 0);
    const partitions = new Int32Array(Math.min(indexes.length, slab.rowsMax));
    for (const index of indexes) {
      if (!slab.hasRoom(this.#bytesMax(load, index))) break;
      const { partition } = load.records[index] as Quarantined;
      partitions[slab.count] = partition % this.#options.dlqPartitions;
      this.#writeLetter(slab, writer, load, index);
    }
    return { slab, partitions: partitions.subarray(0, slab.count) };
  }

  /** The bytes that the letter takes at most, in its form or in any smaller one. */
  #bytesMax({ records, places, forms }: Sending, index: number): number {
    const record = records[index] as Quarantined;
    // The payload is in the value, so a payload that is too large need not be written to know it.
    if (forms[index] === whole && record.value.length > this.#options.dlqBytesMax) forms[index] = pointer;
    return deadLetterBytesMax(record, places[index] as StoredPlace, letterForms[forms[index] as number] as DeadLetterForm);
  }

  /** Writes the letter as the next row, in its form or in the first smaller one that the topic takes. */
  #writeLetter(slab: Slab, writer: ByteWriter, { records, places, forms }: Sending, index: number): void {
    const [record, place] = [records[index] as Quarantined, places[index] as StoredPlace];
    for (let form = forms[index] as number; ; form++) {
      forms[index] = form;
      writer.at = slab.bytesUsed;
      const written = writeDeadLetter(writer, record, place, letterForms[form] as DeadLetterForm);
      if (writer.at - slab.bytesUsed > this.#options.dlqBytesMax && form + 1 < letterForms.length) continue;
      slab.add({ offset: record.offset, timestamp: place.quarantinedAt, partition: record.partition, topic: 0, epoch: 0, ...written });
      return;
    }
  }

  async #publish(load: Sending, indexes: Int32Array, { slab, partitions }: { slab: Slab; partitions: Int32Array }): Promise<void> {
    const { publisher, dlqTopic: topic } = this.#options;
    const refusals = await publisher.publish({ topic, slab, rows: everyRow.subarray(0, slab.count), partitions, keys: noKeys });
    this.#ring.give(slab);
    if (refusals.length === 0) return;
    const again = Int32Array.from(refusals, ({ row }) => indexes[row] as number);
    for (const index of again) {
      const form = (load.forms[index] as number) + 1;
      assert(form < letterForms.length, `the dead letter topic ${topic} takes not even a bare pointer; see its max.message.bytes`);
      load.forms[index] = form;
    }
    await (await this.#handOver(load, again)).acknowledged;
  }
}
