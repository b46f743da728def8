/** Up to here a copied run of bytes is faster byte by byte than by a call into the engine. */
const shortMax = 24;
const zero = 0x30;
const letterA = 0x61;
const dash = 0x2d;
const tenMillions = 1e7;
const twoTo32 = 2 ** 32;

/** Writes one thing after another into bytes that are there. It does not look for room: who writes has made sure of it. */
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

  /** A text of any characters, in UTF-8. */
  utf8(text: string): void {
    this.at += this.bytes.write(text, this.at);
  }

  /** The bytes that a text spells in pairs of lower-case hex digits. Dashes between the pairs are passed over. */
  hex(text: string): void {
    for (let index = 0; index < text.length; index += 2) {
      if (text.charCodeAt(index) === dash) index += 1;
      this.bytes[this.at++] = (hexDigit(text, index) << 4) | hexDigit(text, index + 1);
    }
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

  /** Little-endian, as in slabs and segments. */
  int32(value: number): void {
    this.int32At(this.at, value);
    this.at += 4;
  }

  int32At(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
  }

  /** Little-endian. */
  int64(value: number): void {
    this.int32(value | 0);
    this.int32(Math.floor(value / twoTo32) | 0);
  }

  /** Big-endian, as PostgreSQL reads it. */
  int32BE(value: number): void {
    const { bytes, at } = this;
    bytes[at] = value >> 24;
    bytes[at + 1] = value >> 16;
    bytes[at + 2] = value >> 8;
    bytes[at + 3] = value;
    this.at = at + 4;
  }

  /** Big-endian. */
  int64BE(value: number): void {
    this.int32BE(Math.floor(value / twoTo32) | 0);
    this.int32BE(value | 0);
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

/** The value of the lower-case hex digit at `index`. */
export function hexDigit(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < letterA ? code - zero : code - letterA + 10;
}

function digitsOf(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  return count;
}
