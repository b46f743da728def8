import { type CodePointSet, surrogates, union } from './code-point-set.ts';

/** What must hold at a place between two characters for an edge to be taken there. */
export type Condition = 'start' | 'end' | 'boundary';

interface State {
  /** Edges that read a byte: first byte, last byte, target, three numbers an edge. */
  readonly reads: number[];
  /** States that are reached without reading. */
  readonly free: number[];
  /** States that are reached without reading where a condition holds. */
  readonly conditional: (readonly [Condition, number])[];
}

/** A piece of the automaton: one way in, one way out. */
export interface Fragment {
  readonly from: number;
  readonly to: number;
}

/** Thrown while an automaton grows past what is worth having. */
export class TooLarge extends Error {}

const statesMax = 60_000;

/**
 * A nondeterministic automaton over the bytes of UTF-8. A set of code points becomes a small deterministic net of bytes in which equal
 * tails are shared. It relies on well-formed input: what no well-formed text holds (overlong forms, surrogates, bytes past F4) goes
 * whichever way makes the net smaller.
 */
export class ByteAutomaton {
  readonly states: State[] = [];

  state(): number {
    if (this.states.length >= statesMax) throw new TooLarge('it needs too many states');
    this.states.push({ reads: [], free: [], conditional: [] });
    return this.states.length - 1;
  }

  read(from: number, [first, last]: readonly [number, number], to: number): void {
    this.#at(from).reads.push(first, last, to);
  }

  free(from: number, to: number): void {
    this.#at(from).free.push(to);
  }

  when(condition: Condition, from: number, to: number): void {
    this.#at(from).conditional.push([condition, to]);
  }

  /** Reads one character of `set`. */
  character(set: CodePointSet): Fragment {
    const from = this.state();
    const to = this.state();
    const shared = new Map<string, number>();
    for (const { leads, bytes, spread } of lengths) {
      const units = spread(set);
      if (bytes === 1) for (const range of units) this.read(from, range, to);
      else this.#lead({ from, to, units, firstLead: leads[0], tail: bytes - 1, shared });
    }
    return { from, to };
  }

  #lead({ from, to, units, firstLead, tail, shared }: LeadOptions): void {
    for (const [range, rest] of split(units, tail)) {
      this.read(from, [firstLead + range[0], firstLead + range[1]], this.#tail(rest, tail, to, shared));
    }
  }

  /** The state from which exactly `tail` continuation bytes that spell a member of `units` lead to `to`. */
  #tail(units: CodePointSet, tail: number, to: number, shared: Map<string, number>): number {
    const key = `${tail}:${units.join()}`;
    const known = shared.get(key);
    if (known !== undefined) return known;
    const state = this.state();
    shared.set(key, state);
    if (tail === 1) for (const [first, last] of units) this.read(state, [0x80 + first, 0x80 + last], to);
    else {
      for (const [range, rest] of split(units, tail - 1)) {
        this.read(state, [0x80 + range[0], 0x80 + range[1]], this.#tail(rest, tail - 1, to, shared));
      }
    }
    return state;
  }

  #at(state: number): State {
    return this.states[state] as State;
  }
}

interface LeadOptions {
  readonly from: number;
  readonly to: number;
  readonly units: CodePointSet;
  readonly firstLead: number;
  readonly tail: number;
  readonly shared: Map<string, number>;
}

/**
 * Splits numbers by what lies above their lowest 6 × `tail` bits: runs of heads that have the same rest, each run with that rest.
 * A head is a byte's payload, so there are at most 64.
 */
function split(units: CodePointSet, tail: number): (readonly [readonly [number, number], CodePointSet])[] {
  const size = 64 ** tail;
  const rests = new Map<number, (readonly [number, number])[]>();
  for (const [first, last] of units) {
    for (let head = Math.floor(first / size); head * size <= last; head++) {
      const rest = rests.get(head) ?? [];
      rests.set(head, rest);
      rest.push([Math.max(first - head * size, 0), Math.min(last - head * size, size - 1)]);
    }
  }
  const runs: { range: [number, number]; rest: CodePointSet; key: string }[] = [];
  for (const [head, rest] of [...rests].sort(([a], [b]) => a - b)) {
    const key = rest.join();
    const before = runs.at(-1);
    if (before?.key === key && before.range[1] === head - 1) before.range[1] = head;
    else runs.push({ range: [head, head], rest, key });
  }
  return runs.map(({ range, rest }) => [range, rest]);
}

/**
 * How many bytes spell which code points. `spread` gives the part of a set that has this length, with impossible neighbours filled in
 * from the nearest possible one, so that lead bytes with and without impossible forms look alike.
 */
const lengths: readonly { leads: readonly [number]; bytes: number; spread: (set: CodePointSet) => CodePointSet }[] = [
  { leads: [0], bytes: 1, spread: (set) => clip(set, 0, 0x7f) },
  { leads: [0xc0], bytes: 2, spread: (set) => fill(clip(set, 0x80, 0x7ff), [[0, 0x7f, 0x80]]) },
  { leads: [0xe0], bytes: 3, spread: (set) => fill(clip(withoutSurrogates(set), 0x800, 0xffff), [[0, 0x7ff, 0x800]]) },
  {
    leads: [0xf0],
    bytes: 4,
    spread: (set) =>
      fill(clip(set, 0x10000, 0x10ffff), [
        [0, 0xffff, 0x10000],
        [0x110000, 0x1fffff, 0x10ffff],
      ]),
  },
];

function clip(set: CodePointSet, first: number, last: number): CodePointSet {
  return set.filter((range) => range[1] >= first && range[0] <= last).map((range) => [Math.max(range[0], first), Math.min(range[1], last)]);
}

function has(set: CodePointSet, codePoint: number): boolean {
  return set.some(([first, last]) => first <= codePoint && codePoint <= last);
}

/** Adds each range `[first, last]` whose witness is a member. */
function fill(set: CodePointSet, gaps: readonly (readonly [first: number, last: number, witness: number])[]): CodePointSet {
  const filled = gaps.filter(([, , witness]) => has(set, witness)).map(([first, last]) => [first, last] as const);
  return union(set, filled);
}

/** Surrogates count as members only where both of their neighbours are: then they cost no state. */
function withoutSurrogates(set: CodePointSet): CodePointSet {
  const [first, last] = surrogates;
  const outside = union(clip(set, 0, first - 1), clip(set, last + 1, 0x10ffff));
  return has(outside, first - 1) && has(outside, last + 1) ? union(outside, [surrogates]) : outside;
}
