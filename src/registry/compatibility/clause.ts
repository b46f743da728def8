import type { Answer } from './answer.ts';
import type { Formula, Formulas } from './formula.ts';
import type { Language, Languages } from './regular-language.ts';

/** A conjunction of claims about a value of one kind, some of them denied. */
export interface Clause {
  readonly yes: ReadonlySet<Formula>;
  readonly no: ReadonlySet<Formula>;
}

/** What the rules for one kind need of the whole: other formulas, answers for the parts of a value, and the languages of patterns. */
export interface Solving {
  readonly formulas: Formulas;
  readonly languages: Languages;
  solve(formula: Formula): Answer;
  /** The texts that match a pattern; null where that is not known. */
  language(source: string, flags: string): Language | null;
  /** Does the value fulfil every claim of the clause? Null where the model does not know. */
  fulfils(clause: Clause, value: unknown): boolean | null;
  /** Counts a step of work; false once there have been too many. */
  spend(): boolean;
}
