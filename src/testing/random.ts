const twoTo32 = 2 ** 32;

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 up to, not with, 2^32. */
  word(): number;
  /** 0 up to, not with, 1. */
  share(): number;
  /** A whole number from 0 up to, not with, `limit`. */
  below(limit: number): number;
}

/** Mulberry32: small, fast, and good enough to choose samples and faults. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const word = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { word, share: () => word() / twoTo32, below: (limit) => Math.floor((word() / twoTo32) * limit) };
}
