/**
 * ECMAScript patterns as tables that a program without a regular expression engine can run, byte by byte, in linear time. A table's
 * answer equals `new RegExp(source, flags).test(text)` for every text without lone surrogates, given as UTF-8; a pattern for which
 * that is not certain is declined. A pattern with lookaheads behind its leading `^` becomes several tables, all of which must match.
 *
 * Form of a table, base64 of little-endian bytes; cc/pattern.cc reads it:
 *
 *     u32 number of automata, then for each
 *       u32 states, u32 classes, u32 first state, u32 first accepting state
 *       u8[256] the class of each byte
 *       u16[states × classes] the state after a byte: next[state × classes + class of the byte]
 *
 * Of every automaton, state 0 rejects for good and state 1 accepts for good, whatever follows; of the others those from the first
 * accepting state on accept where the text ends.
 */
import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { messageOf } from '../../lib/errors.ts';
import { ByteAutomaton, type Fragment, TooLarge } from './byte-automaton.ts';
import { characterSetOf, Declined } from './character-sets.ts';
import { anyCodePoint, type CodePointSet, intersection, surrogates } from './code-point-set.ts';
import { type Deterministic, determinise } from './determinise.ts';
import { isAsciiOnly, minimise, negate } from './minimise.ts';

export interface PatternTable {
  /** Base64, in the form above. */
  readonly table: string;
}

export type PatternFlags = '' | 'i' | 'u' | 'iu';

/** Compiles a pattern, or says why it is declined. Never throws for what the pattern is. */
export function compilePattern(source: string, flags: PatternFlags): PatternTable | { readonly declined: string } {
  try {
    // A pattern that this engine of JavaScript refuses has no meaning to be equal to.
    const unicode = new RegExp(source, flags).unicode;
    const pattern = new RegExpParser().parsePattern(source, 0, source.length, { unicode });
    return { table: encode(automataOf(pattern, flags)) };
  } catch (error) {
    if (error instanceof RangeError) return { declined: 'it is nested too deeply' };
    if (error instanceof Declined || error instanceof TooLarge || error instanceof SyntaxError) return { declined: messageOf(error) };
    throw error;
  }
}

/** Entries of all tables of a pattern together: 256 KiB. */
const entriesMax = 131_072;

function automataOf(pattern: AST.Pattern, flags: PatternFlags): Deterministic[] {
  const { lookaheads, alternatives } = splitLookaheads(pattern);
  const main = minimise(new Translation(flags, anyCodePoint).search(alternatives));
  // A text that the rest accepts is ASCII, so what a lookahead would say of another one does not matter.
  const alphabet = isAsciiOnly(main) ? ascii : anyCodePoint;
  const automata = [main];
  for (const { negate: negated, alternatives: ahead } of lookaheads) {
    const found = new Translation(flags, alphabet).prefix(ahead);
    automata.push(minimise(negated ? negate(found) : found));
  }
  return automata;
}

const ascii: CodePointSet = [[0, 0x7f]];

/** `^(?=A)(?!B)C` asks three questions of one text. Only a pattern without alternatives begins with its lookaheads in this sense. */
function splitLookaheads(pattern: AST.Pattern): { lookaheads: AST.LookaheadAssertion[]; alternatives: Elements[] } {
  const elements = pattern.alternatives[0]?.elements ?? [];
  const [first, ...rest] = elements;
  if (pattern.alternatives.length !== 1 || !isStart(first)) return { lookaheads: [], alternatives: pattern.alternatives.map(elementsOf) };
  const count = rest.findIndex((element) => !isLookahead(element));
  const lookaheads = rest.slice(0, count === -1 ? rest.length : count).filter(isLookahead);
  return { lookaheads, alternatives: [[first as AST.Element, ...rest.slice(lookaheads.length)]] };
}

type Elements = readonly AST.Element[];

const elementsOf = ({ elements }: AST.Alternative): Elements => elements;

function isStart(element: AST.Element | undefined): boolean {
  return element?.type === 'Assertion' && element.kind === 'start';
}

function isLookahead(element: AST.Element): element is AST.LookaheadAssertion {
  return element.type === 'Assertion' && element.kind === 'lookahead';
}

/** Makes one automaton of a part of a pattern. Characters outside of `alphabet` are never read. */
class Translation {
  readonly #automaton = new ByteAutomaton();
  readonly #flags: PatternFlags;
  readonly #alphabet: CodePointSet;

  constructor(flags: PatternFlags, alphabet: CodePointSet) {
    this.#flags = flags;
    this.#alphabet = alphabet;
  }

  /** The texts that hold a match anywhere. */
  search(alternatives: readonly Elements[]): Deterministic {
    const anywhere = this.#automaton.state();
    this.#automaton.read(anywhere, [0, 0xff], anywhere);
    const match = this.#choice(alternatives);
    this.#automaton.free(anywhere, match.from);
    return this.#accepting(anywhere, match.to);
  }

  /** The texts that begin with a match. */
  prefix(alternatives: readonly AST.Alternative[]): Deterministic {
    const match = this.#choice(alternatives.map(elementsOf));
    return this.#accepting(match.from, match.to);
  }

  #accepting(from: number, to: number): Deterministic {
    this.#automaton.read(to, [0, 0xff], to);
    return determinise(this.#automaton, from, to);
  }

  #choice(alternatives: readonly Elements[]): Fragment {
    const [only, ...others] = alternatives;
    if (only && others.length === 0) return this.#sequence(only);
    const from = this.#automaton.state();
    const to = this.#automaton.state();
    for (const elements of alternatives) {
      const part = this.#sequence(elements);
      this.#automaton.free(from, part.from);
      this.#automaton.free(part.to, to);
    }
    return { from, to };
  }

  #sequence(elements: Elements): Fragment {
    const from = this.#automaton.state();
    let to = from;
    for (const element of elements) {
      const part = this.#element(element);
      this.#automaton.free(to, part.from);
      to = part.to;
    }
    return { from, to };
  }

  #element(element: AST.Element): Fragment {
    switch (element.type) {
      case 'Character':
      case 'CharacterClass':
      case 'CharacterSet':
        return this.#character(element);
      case 'Group':
        if (element.modifiers) throw new Declined('it changes its flags inside of a group');
        return this.#choice(element.alternatives.map(elementsOf));
      case 'CapturingGroup':
        return this.#choice(element.alternatives.map(elementsOf));
      case 'Quantifier':
        return this.#repeat(element);
      case 'Assertion':
        return this.#assertion(element);
      case 'Backreference':
        throw new Declined('it refers back to a group');
      default:
        throw new Declined('it uses sets of strings');
    }
  }

  #character(element: AST.Character | AST.CharacterClass | AST.CharacterSet): Fragment {
    const set = intersection(characterSetOf(element, this.#flags), this.#alphabet);
    if (!this.#flags.includes('u') && intersection(set, [surrogates]).length > 0) {
      throw new Declined('without the flag "u" it can match half of a character');
    }
    return this.#automaton.character(set);
  }

  /** Lazy or greedy, the same texts match. An empty round of a loop adds nothing, so none has to be kept out. */
  #repeat({ element, min, max }: AST.Quantifier): Fragment {
    const from = this.#automaton.state();
    let to = from;
    const next = (): Fragment => {
      const part = this.#element(element);
      this.#automaton.free(to, part.from);
      return part;
    };
    for (let count = 0; count < min; count++) to = next().to;
    if (max === Infinity) {
      const loop = this.#automaton.state();
      this.#automaton.free(to, loop);
      to = loop;
      this.#automaton.free(next().to, loop);
      return { from, to: loop };
    }
    const end = this.#automaton.state();
    for (let count = min; count < max; count++) {
      this.#automaton.free(to, end);
      to = next().to;
    }
    this.#automaton.free(to, end);
    return { from, to: end };
  }

  #assertion(assertion: AST.Assertion): Fragment {
    const from = this.#automaton.state();
    const to = this.#automaton.state();
    if (assertion.kind === 'start' || assertion.kind === 'end') this.#automaton.when(assertion.kind, from, to);
    else if (assertion.kind === 'word') {
      if (this.#flags === 'iu') throw new Declined('with the flags "i" and "u" words hold more than ASCII');
      // V8 finds such a place between the halves of a surrogate pair, with the flag "u" too.
      if (assertion.negate) throw new Declined('it asks for a place that is not the edge of a word');
      this.#automaton.when('boundary', from, to);
    } else throw new Declined('it looks around in a place other than right behind its leading "^"');
    return { from, to };
  }
}

function encode(automata: readonly Deterministic[]): string {
  const entries = automata.reduce((sum, { next }) => sum + next.length, 0);
  if (entries > entriesMax) throw new TooLarge('its tables are too large');
  const count = Buffer.alloc(4);
  count.writeUInt32LE(automata.length);
  return Buffer.concat([count, ...automata.map(encodeOne)]).toString('base64');
}

/** States take the numbers of the form at the head of this file: the two that are for good, then rejecting ones, then accepting ones. */
function encodeOne({ start, classCount, classOf, next, accepting }: Deterministic): Buffer {
  const isForGood = (state: number): boolean => next.subarray(state * classCount, (state + 1) * classCount).every((to) => to === state);
  const states = [...accepting.keys()];
  const rankOf = (state: number): number => (isForGood(state) ? 0 : 2) + (accepting[state] as number);
  const numbers = new Int32Array(accepting.length);
  const counts = [0, 0, 0, 0];
  const firsts = [0, 1, 2, 2 + states.filter((state) => rankOf(state) === 2).length] as const;
  for (const state of states) {
    const rank = rankOf(state);
    numbers[state] = (firsts[rank] as number) + (counts[rank] as number);
    counts[rank] = (counts[rank] as number) + 1;
  }
  const total = firsts[3] + (counts[3] as number);
  const head = Buffer.alloc(16);
  [total, classCount, numbers[start] as number, firsts[3]].forEach((value, index) => void head.writeUInt32LE(value, index * 4));
  const rows = Buffer.alloc(total * classCount * 2);
  // A state for good is there even where no text leads to it.
  for (let byteClass = 0; byteClass < classCount; byteClass++) rows.writeUInt16LE(1, (classCount + byteClass) * 2);
  for (const [at, to] of next.entries()) {
    const state = numbers[Math.floor(at / classCount)] as number;
    rows.writeUInt16LE(numbers[to] as number, (state * classCount + (at % classCount)) * 2);
  }
  return Buffer.concat([head, classOf, rows]);
}
