import { type Answer, none, open, some } from './answer.ts';
import type { Clause, Solving } from './clause.ts';

interface Bounds {
  least: number;
  leastExclusive: boolean;
  most: number;
  mostExclusive: boolean;
}

/** A positive fraction in lowest terms, exact. */
interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

const candidatesMax = 4_096;

/** Finds a number that fulfils the clause, or proves that there is none. */
export function solveNumber(clause: Clause, solving: Solving): Answer {
  const [constant] = [...clause.yes].filter((claim) => claim.op === 'const');
  if (constant?.op === 'const') return firstFulfilling([constant.value], clause, solving) ?? none;
  const bounds = boundsOf(clause);
  if (bounds.least > bounds.most) return none;
  if (bounds.least === bounds.most) {
    return bounds.leastExclusive || bounds.mostExclusive ? none : (firstFulfilling([bounds.least], clause, solving) ?? none);
  }
  const steps = stepsOf(clause.yes);
  const step = steps.reduce<Fraction | null>((all, each) => (all === null ? each : commonMultiple(all, each)), null);
  if (step === null) return firstFulfilling(between(bounds), clause, solving) ?? open;
  return solveSteps({ clause, solving, bounds, step });
}

function firstFulfilling(candidates: Iterable<unknown>, clause: Clause, solving: Solving): Answer | null {
  let unsure: Answer | null = null;
  for (const value of candidates) {
    const holds = solving.fulfils(clause, value);
    if (holds === true) return some(value);
    if (holds === null) unsure ??= some(value, false);
  }
  return unsure;
}

function boundsOf({ yes, no }: Clause): Bounds {
  const bounds: Bounds = { least: -Infinity, leastExclusive: false, most: Infinity, mostExclusive: false };
  const raise = (limit: number, exclusive: boolean) => {
    if (limit > bounds.least || (limit === bounds.least && exclusive)) Object.assign(bounds, { least: limit, leastExclusive: exclusive });
  };
  const lower = (limit: number, exclusive: boolean) => {
    if (limit < bounds.most || (limit === bounds.most && exclusive)) Object.assign(bounds, { most: limit, mostExclusive: exclusive });
  };
  for (const claim of yes) {
    if (claim.op === 'least') raise(claim.limit, claim.exclusive);
    if (claim.op === 'most') lower(claim.limit, claim.exclusive);
  }
  for (const claim of no) {
    if (claim.op === 'least') lower(claim.limit, !claim.exclusive);
    if (claim.op === 'most') raise(claim.limit, !claim.exclusive);
  }
  return bounds;
}

function stepsOf(claims: Iterable<{ readonly op: string }>): Fraction[] {
  const steps: Fraction[] = [];
  for (const claim of claims) {
    if (claim.op === 'whole') steps.push({ over: 1n, under: 1n });
    if (claim.op === 'multiple') steps.push(fractionOf((claim as { of?: number }).of as number));
  }
  return steps;
}

interface StepProblem {
  readonly clause: Clause;
  readonly solving: Solving;
  readonly bounds: Bounds;
  readonly step: Fraction;
}

/**
 * Tries the multiples of the step one by one. Proof is by exact arithmetic, and the validator divides in binary: for steps such as 0.01
 * the two differ, so nothing is called proven there but what follows from one and the same number.
 */
function solveSteps({ clause, solving, bounds, step }: StepProblem): Answer {
  const avoided = stepsOf(clause.no);
  const exact = [...stepsOf(clause.yes), ...avoided].every(({ under }) => isPowerOfTwo(under));
  const divides = (other: Fraction) => (step.over * other.under) % (step.under * other.over) === 0n;
  if (isPowerOfTwo(step.under) && avoided.some((other) => isNearBinary(other) && divides(other))) return none;
  const { values, all } = multiples(bounds, step);
  const found = firstFulfilling(values, clause, solving);
  if (found) return found;
  if (all && exact) return none;
  if (!exact) return open;
  const period = avoided.reduce((all_, other) => commonMultiple(all_, other), step);
  const turns = (period.over * step.under) / (period.under * step.over);
  const excluded = [...clause.no].filter(({ op }) => op === 'const').length;
  return turns * BigInt(excluded + 1) <= BigInt(values.length) ? none : open;
}

/** Multiples within bounds, the nearest to zero or to a bound first; `all` says that there are no more. */
function multiples(bounds: Bounds, step: Fraction): { values: number[]; all: boolean } {
  const size = Number(step.over) / Number(step.under);
  const first = Math.ceil(bounds.least / size);
  const last = Math.floor(bounds.most / size);
  const values: number[] = [];
  const push = (count: number) => {
    const value = count === 0 ? 0 : (count * Number(step.over)) / Number(step.under);
    const low = bounds.leastExclusive ? value > bounds.least : value >= bounds.least;
    if (low && (bounds.mostExclusive ? value < bounds.most : value <= bounds.most)) values.push(value);
  };
  if (Number.isFinite(first) && Number.isFinite(last) && last - first < candidatesMax) {
    for (let count = first; count <= last; count += 1) push(count);
    return { values, all: true };
  }
  const start = first > 0 ? first : last < 0 ? last : 0;
  for (let offset = 0; offset < candidatesMax; offset += 1) {
    if (start + offset <= last) push(start + offset);
    if (offset > 0 && start - offset >= first) push(start - offset);
  }
  if (Number.isFinite(last)) push(last);
  if (Number.isFinite(first)) push(first);
  return { values, all: false };
}

/** Numbers of a stretch that has more of them than can be tried: bounds, plain ones, and ones that are multiples of little. */
function* between({ least, most }: Bounds): Generator<number> {
  const low = Number.isFinite(least) ? least : Number.isFinite(most) ? most - 1_000_000 : -1_000_000;
  const high = Number.isFinite(most) ? most : Math.max(low + 1_000_000, 1_000_000);
  const inside = (value: number) => value >= low && value <= high;
  for (const value of [0, 1, 0.5, low, high, 1.5, -1, -0.5, low + 1, high - 1, low + 0.5, high - 0.5]) if (inside(value)) yield value;
  for (const part of [0.5, 0.25, 0.1, 0.01, 0.001, 0.37193, 0.0000012345]) {
    for (const value of [low + (high - low) * part, high - (high - low) * part, low + part, high - part]) if (inside(value)) yield value;
  }
  const wholes = Math.min(high - low, 200);
  for (let offset = 0; offset <= wholes; offset += 1) if (inside(Math.ceil(low) + offset)) yield Math.ceil(low) + offset;
  for (let offset = 1; offset <= 50; offset += 1) yield low + ((high - low) * offset) / 51;
}

/** The decimal number that a reader of the schema sees. */
function fractionOf(value: number): Fraction {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', decimals = ''] = mantissa.split('.');
  const shift = BigInt(Number(exponent) - decimals.length);
  const digits = BigInt(whole + decimals);
  return shift >= 0n ? reduced(digits * 10n ** shift, 1n) : reduced(digits, 10n ** -shift);
}

function reduced(over: bigint, under: bigint): Fraction {
  const divisor = commonDivisor(over, under);
  return { over: over / divisor, under: under / divisor };
}

function commonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : commonDivisor(b, a % b);
}

function commonMultiple(a: Fraction, b: Fraction): Fraction {
  const over = (a.over * b.over) / commonDivisor(a.over, b.over);
  return reduced(over, commonDivisor(a.under, b.under));
}

/**
 * Is a multiple of the fraction that has an exact binary form divided by it without a remainder in binary, too? It is if the nearest
 * double is off by at most 2^-54 of it: then the quotient is off by less than half of its last digit.
 */
function isNearBinary({ over, under }: Fraction): boolean {
  if (isPowerOfTwo(under)) return true;
  let digits = Number(over) / Number(under);
  let scale = 1n;
  for (; !Number.isInteger(digits); digits *= 2) scale *= 2n;
  const off = BigInt(digits) * under - over * scale;
  return (off < 0n ? -off : off) * 2n ** 54n <= over * scale;
}

function isPowerOfTwo(value: bigint): boolean {
  return (value & (value - 1n)) === 0n;
}
