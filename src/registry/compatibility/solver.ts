import { PatternNotKnown } from '../patterns/parse-pattern.ts';
import { type Answer, none, open, some } from './answer.ts';
import type { Clause, Solving } from './clause.ts';
import { type Formula, type Formulas, type Kind, kindOf, kinds } from './formula.ts';
import { fulfils } from './fulfils.ts';
import { languageOfPattern } from './pattern-language.ts';
import { type Language, Languages } from './regular-language.ts';
import { solveArray } from './solve-array.ts';
import { solveNumber } from './solve-number.ts';
import { solveObject } from './solve-object.ts';
import { solveString } from './solve-string.ts';

/** A formula, affirmed or denied. */
interface Literal {
  readonly formula: Formula;
  readonly wanted: boolean;
}

/** A conjunction under way: what is settled, and the disjunctions that are not. */
interface Branch {
  readonly yes: Set<Formula>;
  readonly no: Set<Formula>;
  readonly choices: (readonly Literal[])[];
  opaque: boolean;
}

const stepsMax = 20_000;
const depthMax = 60;

/**
 * Decides whether there is a value that a formula describes: for each kind of value the formula is split into conjunctions of claims, and
 * the rules for the kind look for a value or prove that there is none.
 *
 * A formula that is met again inside its own values counts as empty there. That is sound, because values are finite: the smallest value of
 * a formula holds no other value of it. An answer that stands on such an assumption is kept only while the assumption does.
 */
export class Solver implements Solving {
  readonly formulas: Formulas;
  readonly languages = new Languages();
  readonly #answers = new Map<Formula, Answer>();
  readonly #running = new Map<Formula, number>();
  readonly #assuming = new Map<Formula, number>();
  readonly #patterns = new Map<string, Language | null>();
  /** The outermost running formula that an assumption was made about since it was last set. */
  #lowest = Infinity;
  #steps = 0;

  constructor(formulas: Formulas) {
    this.formulas = formulas;
  }

  /** Lets the next question have its full share of steps. */
  refill(): void {
    this.#steps = 0;
    for (const [formula, answer] of this.#answers) if (answer.status === 'open') this.#answers.delete(formula);
  }

  spend(): boolean {
    this.#steps += 1;
    return this.#steps <= stepsMax;
  }

  solve(formula: Formula): Answer {
    const known = this.#answers.get(formula);
    if (known) return known;
    const assumed = this.#running.get(formula) ?? this.#assuming.get(formula);
    if (assumed !== undefined) {
      this.#lowest = Math.min(this.#lowest, assumed);
      return none;
    }
    const depth = this.#running.size;
    if (depth > depthMax || !this.spend()) return open;
    const lowestBefore = this.#lowest;
    const assumingBefore = new Set(this.#assuming.keys());
    this.#lowest = Infinity;
    this.#running.set(formula, depth);
    const answer = this.#byKind(formula);
    this.#running.delete(formula);
    const lowest = this.#lowest;
    this.#lowest = Math.min(lowestBefore, lowest < depth ? lowest : Infinity);
    this.#settle({ formula, answer, depth, lowest, assumingBefore });
    return answer;
  }

  language(source: string, flags: string): Language | null {
    const key = `${flags}/${source}`;
    const known = this.#patterns.get(key);
    if (known !== undefined) return known;
    let language: Language | null = null;
    try {
      language = languageOfPattern(this.languages, source, flags);
    } catch (error) {
      if (!(error instanceof PatternNotKnown)) throw error;
    }
    this.#patterns.set(key, language);
    return language;
  }

  fulfils({ yes, no }: Clause, value: unknown): boolean | null {
    let known = true;
    for (const [claims, wanted] of [
      [yes, true],
      [no, false],
    ] as const) {
      for (const claim of claims) {
        const holds = fulfils(claim, value);
        if (holds === !wanted) return false;
        if (holds === null) known = false;
      }
    }
    return known ? true : null;
  }

  #settle(outcome: { formula: Formula; answer: Answer; depth: number; lowest: number; assumingBefore: ReadonlySet<Formula> }): void {
    const { formula, answer, depth, lowest, assumingBefore } = outcome;
    const fresh = [...this.#assuming].filter(([other]) => !assumingBefore.has(other));
    if (answer.status !== 'none') {
      for (const [other] of fresh) this.#assuming.delete(other);
      this.#answers.set(formula, answer);
    } else if (lowest < depth) this.#assuming.set(formula, lowest);
    else {
      for (const [other, assumption] of fresh) {
        if (assumption < depth) continue;
        this.#assuming.delete(other);
        this.#answers.set(other, none);
      }
      this.#answers.set(formula, none);
    }
  }

  #byKind(formula: Formula): Answer {
    let best: Answer = none;
    for (const kind of kinds) {
      const branch: Branch = { yes: new Set(), no: new Set(), choices: [], opaque: false };
      const answer = this.#add(branch, kind, { formula, wanted: true }) ? this.#split(branch, kind) : none;
      if (answer.status === 'some' && answer.sure) {
        // The rules for a kind are checked by the plainest reading of the formula.
        const holds = fulfils(formula, answer.value);
        if (holds === true) return answer;
        best = holds === null ? some(answer.value, false) : open;
      } else if (answer.status !== 'none' && best.status !== 'some') best = answer;
    }
    return best;
  }

  /** Follows one way of each disjunction after the other, the shortest disjunction first. */
  #split(branch: Branch, kind: Kind): Answer {
    if (!this.spend()) return open;
    const choice = this.#narrowestChoice(branch, kind);
    if (choice === null) return none;
    if (choice === undefined) return this.#solveClause(branch, kind);
    let best: Answer = none;
    for (const literal of choice) {
      const next = { yes: new Set(branch.yes), no: new Set(branch.no), choices: [...branch.choices], opaque: branch.opaque };
      const answer = this.#add(next, kind, literal) ? this.#split(next, kind) : none;
      if (answer.status === 'some' && answer.sure) return answer;
      if (answer.status !== 'none' && best.status !== 'some') best = answer;
    }
    return best;
  }

  /** Takes settled disjunctions out and the next one to follow with them; null if one cannot be met, undefined if none is left. */
  #narrowestChoice(branch: Branch, kind: Kind): readonly Literal[] | null | undefined {
    const left: (readonly Literal[])[] = [];
    for (const choice of branch.choices.splice(0)) {
      const states = choice.map((literal) => stateOf(branch, kind, literal));
      if (states.includes(true)) continue;
      const possible = choice.filter((_, index) => states[index] === null);
      if (possible.length === 0) return null;
      left.push(possible);
    }
    left.sort((a, b) => a.length - b.length);
    const [next, ...later] = left;
    branch.choices.push(...later);
    return next;
  }

  /** Adds a literal and all that follows from it at once; false if that contradicts the branch. */
  #add(branch: Branch, kind: Kind, { formula, wanted }: Literal): boolean {
    const state = stateOf(branch, kind, { formula, wanted });
    if (state !== null) return state;
    const add = (part: Formula, isWanted = wanted) => this.#add(branch, kind, { formula: part, wanted: isWanted });
    switch (formula.op) {
      case 'not':
        return add(formula.is, !wanted);
      case 'when':
        return add(formula.is);
      case 'all':
      case 'any':
        if ((formula.op === 'all') === wanted) return formula.of.every((part) => add(part));
        branch.choices.push(formula.of.map((part) => ({ formula: part, wanted })));
        return true;
      case 'ref':
        (wanted ? branch.yes : branch.no).add(formula);
        return add(formula.target());
      default:
        branch.opaque ||= formula.op === 'opaque';
        (wanted ? branch.yes : branch.no).add(formula);
        return true;
    }
  }

  #solveClause(branch: Branch, kind: Kind): Answer {
    const answer = this.#solveKind(branch, kind);
    return answer.status === 'some' && branch.opaque ? some(answer.value, false) : answer;
  }

  #solveKind(clause: Clause, kind: Kind): Answer {
    switch (kind) {
      case 'null':
        return some(null);
      case 'boolean': {
        const value = [true, false].find((candidate) => this.fulfils(clause, candidate) !== false);
        return value === undefined ? none : some(value);
      }
      case 'number':
        return solveNumber(clause, this);
      case 'string':
        return solveString(clause, this);
      case 'array':
        return solveArray(clause, this);
      case 'object':
        return solveObject(clause, this);
    }
  }
}

/** Is the literal true or false in this branch already, for values of this kind? Null if it is still open. */
function stateOf({ yes, no }: Clause, kind: Kind, { formula, wanted }: Literal): boolean | null {
  if (yes.has(formula)) return wanted;
  if (no.has(formula)) return !wanted;
  switch (formula.op) {
    case 'true':
    case 'false':
      return (formula.op === 'true') === wanted;
    case 'kind':
      return (formula.kind === kind) === wanted;
    case 'const':
      if (kindOf(formula.value) !== kind) return !wanted;
      return kind === 'null' ? wanted : null;
    case 'not':
      return stateOf({ yes, no }, kind, { formula: formula.is, wanted: !wanted });
    case 'all':
    case 'any':
    case 'ref':
    case 'opaque':
      return null;
    default:
      return formula.kind === kind ? null : wanted;
  }
}
