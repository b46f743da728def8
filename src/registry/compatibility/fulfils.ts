import { isDeepStrictEqual } from 'node:util';
import { type Formula, kindOf } from './formula.ts';
import { hasFormat } from './known-formats.ts';

const unfoldedMax = 200;

/**
 * Does the value fulfil the formula, read in the plainest way? Null where the formula is opaque there. Numbers are divided as the
 * validator does it.
 */
export function fulfils(formula: Formula, value: unknown, unfolded = 0): boolean | null {
  switch (formula.op) {
    case 'true':
    case 'false':
      return formula.op === 'true';
    case 'opaque':
      return null;
    case 'not':
      return negated(fulfils(formula.is, value, unfolded));
    case 'all':
      return every(formula.of, (part) => fulfils(part, value, unfolded));
    case 'any':
      return negated(every(formula.of, (part) => negated(fulfils(part, value, unfolded))));
    case 'ref':
      return unfolded > unfoldedMax ? null : fulfils(formula.target(), value, unfolded + 1);
    case 'kind':
      return kindOf(value) === formula.kind;
    case 'const':
      return formula.value === value;
    default:
      if (kindOf(value) !== formula.kind) return true;
  }
  if (formula.op === 'when') return fulfils(formula.is, value, unfolded);
  if (formula.kind === 'number') return fulfilsNumber(formula, value as number);
  if (formula.kind === 'string') return fulfilsText(formula, value as string);
  return formula.kind === 'array'
    ? fulfilsArray(formula, value as readonly unknown[], unfolded)
    : fulfilsObject(formula, value as Readonly<Record<string, unknown>>, unfolded);
}

function negated(holds: boolean | null): boolean | null {
  return holds === null ? null : !holds;
}

/** False as soon as one is false; null if none is, but one is not known. */
function every<Part>(parts: Iterable<Part>, holds: (part: Part) => boolean | null): boolean | null {
  let known = true;
  for (const part of parts) {
    const one = holds(part);
    if (one === false) return false;
    if (one === null) known = false;
  }
  return known ? true : null;
}

function fulfilsNumber(claim: Formula, value: number): boolean {
  switch (claim.op) {
    case 'whole':
      return Number.isInteger(value);
    case 'least':
      return claim.exclusive ? value > claim.limit : value >= claim.limit;
    case 'most':
      return claim.exclusive ? value < claim.limit : value <= claim.limit;
    default:
      return claim.op === 'multiple' && Number.isInteger(value / claim.of);
  }
}

const expressions = new Map<string, RegExp>();

function matches(source: string, text: string): boolean {
  const expression = expressions.get(source) ?? new RegExp(source, 'u');
  expressions.set(source, expression);
  return expression.test(text);
}

function fulfilsText(claim: Formula, value: string): boolean {
  switch (claim.op) {
    case 'lengthLeast':
      return Array.from(value).length >= claim.limit;
    case 'lengthMost':
      return Array.from(value).length <= claim.limit;
    case 'pattern':
      return matches(claim.source, value);
    default:
      return claim.op === 'format' && hasFormat(claim.name, value);
  }
}

function fulfilsArray(claim: Formula, value: readonly unknown[], unfolded: number): boolean | null {
  switch (claim.op) {
    case 'itemsLeast':
      return value.length >= claim.limit;
    case 'itemsMost':
      return value.length <= claim.limit;
    case 'unique':
      return value.every((item, index) => !value.slice(0, index).some((other) => isDeepStrictEqual(other, item)));
    case 'items':
      return every(value.slice(claim.from, claim.to), (item) => fulfils(claim.is, item, unfolded));
    default: {
      if (claim.op !== 'contains') return null;
      const answers = value.map((item) => fulfils(claim.is, item, unfolded));
      const fitting = answers.filter((holds) => holds === true).length;
      const perhaps = fitting + answers.filter((holds) => holds === null).length;
      if (perhaps < claim.least || fitting > claim.most) return false;
      return fitting >= claim.least && perhaps <= claim.most ? true : null;
    }
  }
}

function fulfilsObject(claim: Formula, value: Readonly<Record<string, unknown>>, unfolded: number): boolean | null {
  switch (claim.op) {
    case 'required':
      return Object.hasOwn(value, claim.name);
    case 'membersLeast':
      return Object.keys(value).length >= claim.limit;
    case 'membersMost':
      return Object.keys(value).length <= claim.limit;
    default:
      if (claim.op !== 'members') return null;
      return every(Object.entries(value), ([name, part]) => {
        const covered = fulfils(claim.where, name, unfolded);
        if (covered === false) return true;
        const holds = fulfils(claim.is, part, unfolded);
        return covered === true || holds === true ? holds : null;
      });
  }
}
