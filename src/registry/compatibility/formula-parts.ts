import type { Formula } from './formula.ts';

/** The texts that a formula about names mentions. */
export function constantsOf(formula: Formula): string[] {
  if (formula.op === 'const') return typeof formula.value === 'string' ? [formula.value] : [];
  if (formula.op === 'all' || formula.op === 'any') return formula.of.flatMap(constantsOf);
  return formula.op === 'not' || formula.op === 'when' ? constantsOf(formula.is) : [];
}

/** Does the formula only tell certain texts from all others? */
export function isAboutConstants(formula: Formula): boolean {
  if (formula.op === 'all' || formula.op === 'any') return formula.of.every(isAboutConstants);
  return formula.op === 'const' || formula.op === 'kind' || (formula.op === 'not' && isAboutConstants(formula.is));
}
