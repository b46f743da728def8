import type { Deterministic } from './determinise.ts';

/** The smallest automaton with the same language: states that no text tells apart are one (Hopcroft), and so are classes of bytes. */
export function minimise(automaton: Deterministic): Deterministic {
  return mergeClasses(mergeStates(automaton));
}

/** The same automaton with the answer turned round. */
export function negate(automaton: Deterministic): Deterministic {
  return { ...automaton, accepting: automaton.accepting.map((accepts) => 1 - accepts) };
}

/** True where a byte past ASCII leads nowhere from every state: only ASCII texts are accepted. Asks for a minimal automaton. */
export function isAsciiOnly(automaton: Deterministic): boolean {
  const { next, classCount, classOf } = automaton;
  const dead = deadState(automaton);
  const classes = new Set(classOf.subarray(0x80));
  for (let state = 0; state * classCount < next.length; state++) {
    for (const byteClass of classes) if (next[state * classCount + byteClass] !== dead) return false;
  }
  return true;
}

function deadState({ next, classCount, accepting }: Deterministic): number {
  return accepting.findIndex(
    (accepts, state) => accepts === 0 && next.subarray(state * classCount, (state + 1) * classCount).every((to) => to === state),
  );
}

function mergeStates(automaton: Deterministic): Deterministic {
  const { next, classCount, classOf, accepting, start } = automaton;
  const blockOf = new Partition(automaton).refine();
  const numbers = new Map<number, number>();
  const samples: number[] = [];
  for (let state = 0; state < accepting.length; state++) {
    const block = blockOf[state] as number;
    if (numbers.has(block)) continue;
    numbers.set(block, samples.length);
    samples.push(state);
  }
  const numberOf = (state: number): number => numbers.get(blockOf[state] as number) as number;
  const merged = new Int32Array(samples.length * classCount);
  for (const [number, sample] of samples.entries()) {
    for (let byteClass = 0; byteClass < classCount; byteClass++) {
      merged[number * classCount + byteClass] = numberOf(next[sample * classCount + byteClass] as number);
    }
  }
  const ends = Uint8Array.from(samples, (sample) => accepting[sample] as number);
  return { start: numberOf(start), classCount, classOf, next: merged, accepting: ends };
}

/** Classes with equal columns are one class. */
function mergeClasses({ next, classCount, classOf, accepting, start }: Deterministic): Deterministic {
  const numbers = new Map<string, number>();
  const columns: Int32Array[] = [];
  const numberOf = Array.from({ length: classCount }, (_, byteClass) => {
    const column =
      accepting.length > 0
        ? Int32Array.from(accepting, (_accepts, state) => next[state * classCount + byteClass] as number)
        : new Int32Array();
    const key = column.join();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, columns.length);
    columns.push(column);
    return columns.length - 1;
  });
  const merged = new Int32Array(accepting.length * columns.length);
  for (const [byteClass, column] of columns.entries()) {
    for (const [state, to] of column.entries()) merged[state * columns.length + byteClass] = to;
  }
  return { start, classCount: columns.length, classOf: classOf.map((byteClass) => numberOf[byteClass] as number), next: merged, accepting };
}

/** Blocks of states that are not yet told apart. A block is a span of `#order`; `#places` says where in it a state lies. */
class Partition {
  readonly #automaton: Deterministic;
  readonly #order: Int32Array;
  readonly #places: Int32Array;
  readonly #blockOf: Int32Array;
  readonly #firsts: number[] = [];
  readonly #ends: number[] = [];
  /** How many states of a block the current splitter leads to; they lie at its front. */
  readonly #marked: number[] = [];
  /** For each class, the states before each state: a list in two arrays. */
  readonly #before: readonly { readonly offsets: Int32Array; readonly states: Int32Array }[];

  constructor(automaton: Deterministic) {
    this.#automaton = automaton;
    const count = automaton.accepting.length;
    const states = Array.from({ length: count }, (_, state) => state);
    this.#order = Int32Array.from(states.sort((a, b) => (automaton.accepting[a] as number) - (automaton.accepting[b] as number)));
    this.#places = new Int32Array(count);
    this.#blockOf = new Int32Array(count);
    for (const [place, state] of this.#order.entries()) this.#places[state] = place;
    const rejecting = automaton.accepting.filter((accepts) => accepts === 0).length;
    this.#add(0, rejecting);
    this.#add(rejecting, count);
    this.#before = Array.from({ length: automaton.classCount }, (_, byteClass) => this.#inverse(byteClass));
  }

  refine(): Int32Array {
    const waiting: number[] = [0, 1];
    const isWaiting = new Set(waiting);
    while (waiting.length > 0) {
      const splitter = waiting.pop() as number;
      isWaiting.delete(splitter);
      const members = this.#order.slice(this.#firsts[splitter], this.#ends[splitter]);
      for (const before of this.#before) {
        for (const [old, added] of this.#splitBy(members, before)) {
          const smaller = this.#size(added) <= this.#size(old) ? added : old;
          const next = isWaiting.has(old) ? added : smaller;
          isWaiting.add(next);
          waiting.push(next);
        }
      }
    }
    return this.#blockOf;
  }

  /** Splits every block into the states that lead into `members` and the others; the new block is the marked part. */
  #splitBy(members: Int32Array, before: { offsets: Int32Array; states: Int32Array }): [number, number][] {
    const touched: number[] = [];
    for (const member of members) {
      for (let at = before.offsets[member] as number; at < (before.offsets[member + 1] as number); at++) {
        const state = before.states[at] as number;
        const block = this.#blockOf[state] as number;
        if (this.#marked[block] === 0) touched.push(block);
        this.#swap(state, (this.#firsts[block] as number) + (this.#marked[block] as number));
        this.#marked[block] = (this.#marked[block] as number) + 1;
      }
    }
    const splits: [number, number][] = [];
    for (const block of touched) {
      const first = this.#firsts[block] as number;
      const middle = first + (this.#marked[block] as number);
      this.#marked[block] = 0;
      if (middle === this.#ends[block]) continue;
      this.#firsts[block] = middle;
      splits.push([block, this.#add(first, middle)]);
    }
    return splits;
  }

  #swap(state: number, place: number): void {
    const from = this.#places[state] as number;
    const other = this.#order[place] as number;
    this.#order[place] = state;
    this.#order[from] = other;
    this.#places[state] = place;
    this.#places[other] = from;
  }

  #add(first: number, end: number): number {
    const block = this.#firsts.length;
    this.#firsts.push(first);
    this.#ends.push(end);
    this.#marked.push(0);
    for (let place = first; place < end; place++) this.#blockOf[this.#order[place] as number] = block;
    return block;
  }

  #size(block: number): number {
    return (this.#ends[block] as number) - (this.#firsts[block] as number);
  }

  #inverse(byteClass: number): { offsets: Int32Array; states: Int32Array } {
    const { next, classCount, accepting } = this.#automaton;
    const offsets = new Int32Array(accepting.length + 1);
    const target = (state: number): number => next[state * classCount + byteClass] as number;
    for (let state = 0; state < accepting.length; state++) offsets[target(state) + 1] = (offsets[target(state) + 1] as number) + 1;
    for (let state = 0; state < accepting.length; state++) offsets[state + 1] = (offsets[state + 1] as number) + (offsets[state] as number);
    const free = offsets.slice();
    const states = new Int32Array(accepting.length);
    for (let state = 0; state < accepting.length; state++) {
      const to = target(state);
      states[free[to] as number] = state;
      free[to] = (free[to] as number) + 1;
    }
    return { offsets, states };
  }
}
