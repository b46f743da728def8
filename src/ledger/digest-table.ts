import type { Digest } from './digest.ts';

const wordsPerDigest = 4;
const slotsMin = 1024;

/** `array` itself, or a copy of at least `length` elements and twice its size. */
export function grown<T extends Uint8Array | Int32Array | Uint32Array | Float64Array>(array: T, length: number): T {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}

/**
 * Numbers digests in the order in which they first come: an open-addressing hash table in typed arrays, at most half full.
 * It takes 24 to 48 bytes a digest where a Map of strings takes about 150, and gives the collector nothing to walk.
 */
export class DigestTable {
  count = 0;
  #words = new Uint32Array(slotsMin * wordsPerDigest);
  /** The number of a digest plus one, zero for an empty slot. */
  #slots = new Int32Array(2 * slotsMin);

  /** The number of `digest`, which is new if it equals the count before the call. */
  add(digest: Digest): number {
    if (2 * (this.count + 1) > this.#slots.length) this.#rehash();
    const slot = this.#slotOf(digest);
    const found = (this.#slots[slot] as number) - 1;
    if (found >= 0) return found;
    const number = this.count++;
    this.#words = grown(this.#words, this.count * wordsPerDigest);
    this.#words.set(digest, number * wordsPerDigest);
    this.#slots[slot] = number + 1;
    return number;
  }

  /** The number of `digest`, -1 where it never came. */
  find(digest: Digest): number {
    return (this.#slots[this.#slotOf(digest)] as number) - 1;
  }

  /** The slot that holds `digest`, or the empty one where it belongs. */
  #slotOf(digest: Digest): number {
    const mask = this.#slots.length - 1;
    for (let slot = (digest[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1;
      if (number < 0 || this.#equals(number, digest)) return slot;
    }
  }

  #equals(number: number, digest: Digest): boolean {
    const at = number * wordsPerDigest;
    const words = this.#words;
    return words[at] === digest[0] && words[at + 1] === digest[1] && words[at + 2] === digest[2] && words[at + 3] === digest[3];
  }

  #rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let number = 0; number < this.count; number++) {
      const at = number * wordsPerDigest;
      this.#slots[this.#slotOf(this.#words.subarray(at, at + wordsPerDigest))] = number + 1;
    }
  }
}
