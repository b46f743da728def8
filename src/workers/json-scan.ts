const quote = 0x22;
const colon = 0x3a;
const backslash = 0x5c;
const underscore = 0x5f;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const letterU = 0x75;

/** `"__proto__"` without its opening quote. */
const protoNameBytes = 10;

/**
 * One cheap pass over the bytes of a message, before anything is decoded. It takes for granted that they are JSON: what it counts
 * holds only if parsing succeeds afterwards, except for the depth, which is never less than what a parser would meet.
 */
export class JsonScan {
  /** Colons outside strings: as many as there are members, repeated ones too. */
  members = 0;
  /** The deepest nesting of objects and arrays. */
  depth = 0;
  /** Is every byte below 0x80? */
  ascii = true;
  /** May `__proto__` stand somewhere as a name? Said too often, never too seldom: a string of that length, or any `\u` escape. */
  mayHoldProto = false;

  run(bytes: Uint8Array, start: number, end: number): void {
    let members = 0;
    let depth = 0;
    let depthMax = 0;
    let seen = 0;
    let mayHoldProto = false;
    let at = start;
    while (at < end) {
      const byte = bytes[at++] as number;
      seen |= byte;
      if (byte === quote) {
        const open = at;
        while (at < end) {
          const inner = bytes[at++] as number;
          seen |= inner;
          if (inner === quote) break;
          if (inner === backslash && at < end) {
            const escaped = bytes[at++] as number;
            seen |= escaped;
            if (escaped === letterU) mayHoldProto = true;
          }
        }
        if (at - open === protoNameBytes && bytes[open] === underscore) mayHoldProto = true;
      } else if (byte === colon) members += 1;
      else if (byte === braceOpen || byte === bracketOpen) {
        depth += 1;
        if (depth > depthMax) depthMax = depth;
      } else if (byte === braceClose || byte === bracketClose) depth -= 1;
    }
    this.members = members;
    this.depth = depthMax;
    this.ascii = seen < 0x80;
    this.mayHoldProto = mayHoldProto;
  }
}
