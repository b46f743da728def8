import type { LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { assert } from '../../lib/assert.ts';

/**
 * The messages of one target partition that wait for their delivery reports, in the order they were handed over. The broker answers
 * an idempotent producer in order, so the next report is the first in line's. That saves the client's opaque value, a persistent
 * handle that costs more than the rest of the report (DECISIONS.md).
 *
 * Errors that the client finds by itself can overtake the answers for what is in flight. From such an error on the line is in doubt
 * until it is empty: whoever reads it must then take every report for a failure. The value's size goes along as a tripwire.
 */
export class ReportLine {
  /** Why no report can be believed, null while they can. */
  doubt: LibrdKafkaError | null = null;
  #tags = new Int32Array(1_024);
  #sizes = new Int32Array(1_024);
  #head = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(tag: number, valueBytes: number): void {
    if (this.#count === this.#tags.length) this.#grow();
    const at = (this.#head + this.#count) & (this.#tags.length - 1);
    this.#tags[at] = tag;
    this.#sizes[at] = valueBytes;
    this.#count += 1;
  }

  /** Takes the tag of the message that a report is about. */
  shift(valueBytes: number): number {
    assert(this.#count > 0, 'a delivery report came for a message that was not sent');
    assert(this.#sizes[this.#head] === valueBytes, 'a delivery report came out of order');
    const tag = this.#tags[this.#head] as number;
    this.#head = (this.#head + 1) & (this.#tags.length - 1);
    this.#count -= 1;
    return tag;
  }

  /** Doubles the two rings; their length stays a power of two, so positions wrap by a mask. */
  #grow(): void {
    const length = this.#tags.length;
    const tags = new Int32Array(length * 2);
    const sizes = new Int32Array(length * 2);
    for (let at = 0; at < this.#count; at++) {
      tags[at] = this.#tags[(this.#head + at) & (length - 1)] as number;
      sizes[at] = this.#sizes[(this.#head + at) & (length - 1)] as number;
    }
    this.#tags = tags;
    this.#sizes = sizes;
    this.#head = 0;
  }
}
