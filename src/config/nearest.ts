/** The candidate that `name` was most likely meant to be, null if none is near. Case and separators do not count. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = folded(name);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, folded(candidate), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; `beyond` if it takes that many or more. */
function editDistance(a: string, b: string, beyond: number): number {
  if (Math.abs(a.length - b.length) >= beyond) return beyond;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    before = last;
    last = current;
  }
  return Math.min(beyond, last[b.length] ?? beyond);
}
