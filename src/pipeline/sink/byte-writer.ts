/** Up to here a copied run of bytes is faster byte by byte than by a call into the engine. */
const shortMax = 24;
const zero = 0x30;
const tenMillions = 1e7;

/** Writes one thing after another into the bytes of a slab. It does not look for room: who writes has made sure of it. */
export class ByteWriter {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  raw(source: Uint8Array): void {
    if (source.length > shortMax) this.bytes.set(source, this.at);
    else for (let index = 0; index < source.length; index++) this.bytes[this.at + index] = source[index] as number;
    this.at += source.length;
  }

  /** A text of one byte a character. */
  ascii(text: string): void {
    for (let index = 0; index < text.length; index++) this.bytes[this.at + index] = text.charCodeAt(index);
    this.at += text.length;
  }

  base64(source: Buffer): void {
    this.at += this.bytes.write(source.toString('base64'), this.at, 'latin1');
  }

  /** A whole number in decimal. */
  decimal(value: number): void {
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) return this.ascii(String(value));
    if (value < tenMillions) return this.#digits(value, digitsOf(value));
    const high = Math.floor(value / tenMillions);
    this.decimal(high);
    this.#digits(value - high * tenMillions, 7);
  }

  int32(value: number): void {
    this.int32At(this.at, value);
    this.at += 4;
  }

  /** Little-endian, as in packed headers. */
  int32At(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
  }

  #digits(value: number, count: number): void {
    let rest = value | 0;
    for (let at = this.at + count - 1; at >= this.at; at--) {
      const tenth = (rest / 10) | 0;
      this.bytes[at] = zero + rest - tenth * 10;
      rest = tenth;
    }
    this.at += count;
  }
}

function digitsOf(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  return count;
}
