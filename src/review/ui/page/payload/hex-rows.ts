const perRow = 16;

export interface HexRow {
  readonly offset: string;
  readonly cells: readonly { readonly hex: string; readonly character: string; readonly wrong: boolean }[];
}

/** Rows of 16 bytes from `from`; `wrong` are the bytes that the verdict is about. */
export function hexRows(bytes: Uint8Array, from: number, rows: number, wrong: { from: number; to: number } | null): HexRow[] {
  const to = Math.min(bytes.length, from + rows * perRow);
  const made: HexRow[] = [];
  for (let start = from; start < to; start += perRow) {
    const cells = Array.from(bytes.subarray(start, Math.min(to, start + perRow)), (byte, at) => ({
      hex: byte.toString(16).padStart(2, '0'),
      character: byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
      wrong: wrong !== null && start + at >= wrong.from && start + at < wrong.to,
    }));
    made.push({ offset: start.toString(16).padStart(8, '0'), cells });
  }
  return made;
}

/** The first byte that is not part of UTF-8, or null. */
export function firstInvalidUtf8(bytes: Uint8Array): number | null {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const fits = (length: number, stream: boolean) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  try {
    decoder.decode(bytes);
    return null;
  } catch {
    let good = 0;
    let bad = bytes.length;
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (fits(middle, true)) good = middle;
      else bad = middle;
    }
    return good;
  }
}
