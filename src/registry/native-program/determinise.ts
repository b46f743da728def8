import { type ByteAutomaton, type Condition, TooLarge } from './byte-automaton.ts';

/** A complete deterministic automaton over classes of bytes. State numbers are rows of `next`. */
export interface Deterministic {
  readonly start: number;
  readonly classCount: number;
  /** The class of each of the 256 bytes. */
  readonly classOf: Uint8Array;
  /** The state after reading a byte of a class: `next[state * classCount + class]`. */
  readonly next: Int32Array;
  /** 1 for each state in which a text may end. */
  readonly accepting: Uint8Array;
}

/** Where a place lies, as far as conditions ask: the byte before is known, the one behind is of a word, another, or none. */
interface Place {
  readonly atStart: boolean;
  readonly wordBefore: boolean;
  readonly behind: 'word' | 'other' | 'none';
}

interface Subset {
  readonly kernel: readonly number[];
  readonly atStart: boolean;
  readonly wordBefore: boolean;
}

/** States of the deterministic automaton; sixteen bits hold them. */
const statesMax = 8_192;
/** Edges followed while the automaton is made: about a second. */
const workMax = 20_000_000;

/**
 * The subset construction: accepts the texts that have a way from `start` to `accept`. From `accept` every byte leads back to it.
 * Throws {@link TooLarge}.
 */
export function determinise(automaton: ByteAutomaton, start: number, accept: number): Deterministic {
  return new Subsets(automaton, start, accept).build();
}

class Subsets {
  readonly #automaton: ByteAutomaton;
  readonly #start: number;
  readonly #accept: number;
  readonly #classOf: Uint8Array;
  readonly #classCount: number;
  /** One byte of each class. */
  readonly #samples: readonly number[];
  readonly #asksForWords: boolean;
  /** Each known subset: its states before free edges are followed, and what lies before it. */
  readonly #subsets: Subset[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #seen: Int32Array;
  #mark = 0;
  #work = 0;

  constructor(automaton: ByteAutomaton, start: number, accept: number) {
    this.#automaton = automaton;
    this.#start = start;
    this.#accept = accept;
    this.#seen = new Int32Array(automaton.states.length);
    this.#asksForWords = automaton.states.some(({ conditional }) => conditional.some(([condition]) => condition === 'boundary'));
    const cuts = this.#cuts();
    this.#classOf = new Uint8Array(256);
    for (let byte = 1, current = 0; byte < 256; byte++) this.#classOf[byte] = cuts.has(byte) ? ++current : current;
    this.#classCount = (this.#classOf[255] as number) + 1;
    this.#samples = Array.from({ length: this.#classCount }, (_, index) => this.#classOf.indexOf(index));
  }

  build(): Deterministic {
    const rows: number[] = [];
    const accepting: number[] = [];
    this.#number([this.#start], true, false);
    for (let index = 0; index < this.#subsets.length; index++) {
      const { kernel, atStart, wordBefore } = this.#subsets[index] as Subset;
      const atEnd = this.#reach(kernel, { atStart, wordBefore, behind: 'none' });
      accepting.push(Number(atEnd.includes(this.#accept)));
      rows.push(...this.#row(kernel, atStart, wordBefore));
    }
    return {
      start: 0,
      classCount: this.#classCount,
      classOf: this.#classOf,
      next: Int32Array.from(rows),
      accepting: Uint8Array.from(accepting),
    };
  }

  #row(kernel: readonly number[], atStart: boolean, wordBefore: boolean): number[] {
    const targets: Set<number>[] = this.#samples.map(() => new Set<number>());
    for (const behind of this.#asksForWords ? (['word', 'other'] as const) : (['other'] as const)) {
      const reached = this.#reach(kernel, { atStart, wordBefore, behind });
      // What was matched stays matched, whatever else was under way.
      for (const state of reached.includes(this.#accept) ? [this.#accept] : reached) {
        const { reads } = this.#automaton.states[state] as ByteAutomaton['states'][number];
        for (let edge = 0; edge < reads.length; edge += 3) {
          const last = this.#classOf[reads[edge + 1] as number] as number;
          for (let byteClass = this.#classOf[reads[edge] as number] as number; byteClass <= last; byteClass++) {
            this.#spend(1);
            if (this.#asksForWords && kindOf(this.#samples[byteClass] as number) !== behind) continue;
            (targets[byteClass] as Set<number>).add(reads[edge + 2] as number);
          }
        }
      }
    }
    return targets.map((found, byteClass) => {
      const wordNext = this.#asksForWords && kindOf(this.#samples[byteClass] as number) === 'word';
      return this.#number(
        [...found].sort((a, b) => a - b),
        false,
        wordNext,
      );
    });
  }

  /** The states that are reached from `kernel` without reading, at a place. */
  #reach(kernel: readonly number[], place: Place): number[] {
    this.#mark++;
    const reached: number[] = [];
    const add = (state: number): void => {
      this.#spend(1);
      if (this.#seen[state] === this.#mark) return;
      this.#seen[state] = this.#mark;
      reached.push(state);
    };
    for (const state of kernel) add(state);
    for (let index = 0; index < reached.length; index++) {
      const { free, conditional } = this.#automaton.states[reached[index] as number] as ByteAutomaton['states'][number];
      for (const state of free) add(state);
      for (const [condition, state] of conditional) if (holds(condition, place)) add(state);
    }
    return reached;
  }

  #number(kernel: readonly number[], atStart: boolean, wordBefore: boolean): number {
    const key = `${Number(atStart)}${Number(wordBefore)}${kernel.join()}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#subsets.length >= statesMax) throw new TooLarge('it needs too many states');
    this.#spend(kernel.length);
    this.#subsets.push({ kernel, atStart, wordBefore });
    this.#numbers.set(key, this.#subsets.length - 1);
    return this.#subsets.length - 1;
  }

  /** The bytes at which a class begins: no edge, and no condition, tells the bytes of a class apart. */
  #cuts(): Set<number> {
    const cuts = new Set<number>();
    for (const { reads } of this.#automaton.states) {
      for (let edge = 0; edge < reads.length; edge += 3) cuts.add(reads[edge] as number).add((reads[edge + 1] as number) + 1);
    }
    if (this.#asksForWords) for (let byte = 1; byte < 256; byte++) if (kindOf(byte) !== kindOf(byte - 1)) cuts.add(byte);
    return cuts;
  }

  #spend(steps: number): void {
    this.#work += steps;
    if (this.#work > workMax) throw new TooLarge('it takes too much work to compile');
  }
}

/** A byte of a character past ASCII is no word's, so there is no boundary in the middle of one. */
function kindOf(byte: number): 'word' | 'other' {
  return /\w/.test(String.fromCharCode(byte)) ? 'word' : 'other';
}

function holds(condition: Condition, { atStart, wordBefore, behind }: Place): boolean {
  if (condition === 'start') return atStart;
  if (condition === 'end') return behind === 'none';
  return wordBefore !== (behind === 'word');
}
