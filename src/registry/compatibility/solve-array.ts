import { type Answer, none, open, some } from './answer.ts';
import type { Clause, Solving } from './clause.ts';
import type { Formula } from './formula.ts';

type Claims<Op extends string> = Extract<Formula, { op: Op }>;

/** Some item from index `from` on and before `to` fulfils `is`. */
interface Wanted {
  readonly from: number;
  readonly to: number;
  readonly is: Formula;
}

interface ArrayProblem {
  readonly solving: Solving;
  readonly least: number;
  readonly most: number;
  readonly everywhere: readonly Claims<'items'>[];
  readonly wanted: readonly Wanted[];
  /** At least so many different items. */
  readonly several: readonly { readonly is: Formula; readonly least: number }[];
  /** At most so many items. */
  readonly few: readonly { readonly is: Formula; readonly most: number }[];
  readonly unique: boolean;
  readonly twins: boolean;
}

const lengthMax = 2_000;
const uniqueLengthMax = 600;

/**
 * Finds an array that fulfils the clause, or proves that there is none. Beyond the places that the claims name, items are all alike: one
 * that nothing asks for can be left out, so only the shortest arrays with a place for every claim have to be tried.
 */
export function solveArray(clause: Clause, solving: Solving): Answer {
  const problem = problemOf(clause, solving);
  if (problem.unique && problem.twins) return none;
  const { least, most, everywhere, wanted, several } = problem;
  const finite = (to: number, from: number) => (to === Infinity ? from : to);
  const named = Math.max(0, ...[...everywhere, ...wanted].map(({ from, to }) => finite(to, from)));
  const asked = wanted.length + several.reduce((sum, each) => sum + each.least, 0) + (problem.twins ? 2 : 0);
  const longest = Math.min(most, Math.max(least, named) + asked);
  if (least > most) return none;
  if (longest > (problem.unique ? uniqueLengthMax : lengthMax)) return open;
  let best: Answer = none;
  for (let length = least; length <= longest; length += 1) {
    const answer = solveLength(problem, length);
    if (answer.status === 'some' && answer.sure) return answer;
    if (answer.status !== 'none' && best.status !== 'some') best = answer;
  }
  return best;
}

function problemOf({ yes, no }: Clause, solving: Solving): ArrayProblem {
  const { formulas } = solving;
  const contains = (claims: ReadonlySet<Formula>) => [...claims].filter((claim) => claim.op === 'contains');
  const several = [
    ...contains(yes).map(({ is, least }) => ({ is, least })),
    ...contains(no).map(({ is, most }) => ({ is, least: most + 1 })),
  ].filter(({ least }) => least > 0 && least < Infinity);
  const few = [...contains(yes).map(({ is, most }) => ({ is, most })), ...contains(no).map(({ is, least }) => ({ is, most: least - 1 }))];
  const limits = (claims: ReadonlySet<Formula>, op: 'itemsLeast' | 'itemsMost') =>
    [...claims].flatMap((claim) => (claim.op === op ? [claim.limit] : []));
  const everywhere = [...yes].filter((claim) => claim.op === 'items');
  const never = few.filter(({ most }) => most === 0);
  return {
    solving,
    least: Math.max(0, ...limits(yes, 'itemsLeast').map(Math.ceil), ...limits(no, 'itemsMost').map((limit) => Math.floor(limit) + 1)),
    most: Math.min(...limits(yes, 'itemsMost').map(Math.floor), ...limits(no, 'itemsLeast').map((limit) => Math.ceil(limit) - 1)),
    everywhere: [
      ...everywhere,
      ...never
        .map(({ is }) => formulas.claim({ op: 'items', from: 0, to: Infinity, is: formulas.not(is) }))
        .filter((claim) => claim.op === 'items'),
    ],
    wanted: [...no].filter((claim) => claim.op === 'items').map(({ from, to, is }) => ({ from, to, is: formulas.not(is) })),
    several,
    few: few.filter(({ most }) => most >= 1 && most < Infinity),
    unique: [...yes].some(({ op }) => op === 'unique'),
    twins: [...no].some(({ op }) => op === 'unique'),
  };
}

/** What each item has to fulfil; `twin` is the place of an item that this one equals. */
interface Place {
  readonly is: Formula;
  readonly twin?: number;
}

function solveLength(problem: ArrayProblem, length: number): Answer {
  const { formulas } = problem.solving;
  const places = Array.from({ length }, (_, index): Place => {
    return { is: formulas.all(problem.everywhere.filter(({ from, to }) => index >= from && index < to).map(({ is }) => is)) };
  });
  const tasks: Task[] = [
    ...problem.wanted.map((wanted) => (at: readonly Place[]) => placed(problem, at, wanted)),
    ...problem.several.map((each) => (at: readonly Place[]) => placedSeveral(problem, at, each)),
    ...(problem.twins ? [(at: readonly Place[]) => placedTwins(problem, at)] : []),
    ...problem.few.map((each) => (at: readonly Place[]) => placedFew(problem, at, each)),
  ];
  return follow(problem, places, tasks);
}

type Task = (places: readonly Place[]) => Iterable<readonly Place[]>;

/** Tries every way to meet the tasks, one after the other. */
function follow(problem: ArrayProblem, places: readonly Place[], [task, ...rest]: readonly Task[]): Answer {
  if (!problem.solving.spend()) return open;
  if (!task) return fill(problem, places);
  let best: Answer = none;
  for (const next of task(places)) {
    const answer = follow(problem, next, rest);
    if (answer.status === 'some' && answer.sure) return answer;
    if (answer.status !== 'none' && best.status !== 'some') best = answer;
  }
  return best;
}

/** The places with `is` asked of one more; null where that cannot be. */
function narrowed({ solving }: ArrayProblem, places: readonly Place[], index: number, is: Formula): Place[] | null {
  const place = places[index] as Place;
  const narrower = solving.formulas.all([place.is, is]);
  if (narrower !== place.is && solving.solve(narrower).status === 'none') return null;
  return places.with(index, { ...place, is: narrower });
}

function* placed(problem: ArrayProblem, places: readonly Place[], { from, to, is }: Wanted): Generator<readonly Place[]> {
  const tried = new Set<Formula>();
  for (let index = from; index < Math.min(to, places.length); index += 1) {
    const { is: before } = places[index] as Place;
    if (tried.has(before)) continue;
    tried.add(before);
    const next = narrowed(problem, places, index, is);
    if (next) yield next;
  }
}

function* placedSeveral(
  problem: ArrayProblem,
  places: readonly Place[],
  wanted: { is: Formula; least: number },
  from = 0,
): Generator<readonly Place[]> {
  if (wanted.least <= 0) {
    yield places;
    return;
  }
  for (let index = from; index < places.length && problem.solving.spend(); index += 1) {
    const next = narrowed(problem, places, index, wanted.is);
    if (next) yield* placedSeveral(problem, next, { is: wanted.is, least: wanted.least - 1 }, index + 1);
  }
}

function* placedTwins(problem: ArrayProblem, places: readonly Place[]): Generator<readonly Place[]> {
  for (let second = 1; second < places.length; second += 1) {
    for (let first = 0; first < second && problem.solving.spend(); first += 1) {
      const next = narrowed(problem, places, first, (places[second] as Place).is);
      if (next) yield next.with(second, { is: (next[first] as Place).is, twin: first });
    }
  }
}

function* placedFew(
  problem: ArrayProblem,
  places: readonly Place[],
  limit: { is: Formula; most: number },
  from = 0,
): Generator<readonly Place[]> {
  if (from === places.length) {
    yield places;
    return;
  }
  if (!problem.solving.spend()) return;
  const without = narrowed(problem, places, from, problem.solving.formulas.not(limit.is));
  if (without) yield* placedFew(problem, without, limit, from + 1);
  if (limit.most === 0) return;
  const within = narrowed(problem, places, from, limit.is);
  if (within) yield* placedFew(problem, within, { is: limit.is, most: limit.most - 1 }, from + 1);
}

/** Gives every place its value. Different values are taken greedily, which proves nothing where the places are not alike. */
function fill({ solving, unique }: ArrayProblem, places: readonly Place[]): Answer {
  const { formulas } = solving;
  const values: unknown[] = [];
  const alike = places.every(({ is }) => is === places[0]?.is);
  let sure = true;
  for (const { is, twin } of places) {
    if (twin !== undefined) {
      values.push(values[twin]);
      continue;
    }
    const other = unique ? values.map((value) => formulas.not(formulas.exactly(value))) : [];
    const answer = solving.solve(formulas.all([is, ...other]));
    if (answer.status === 'open') return open;
    if (answer.status === 'none') return other.length === 0 || alike || solving.solve(is).status === 'none' ? none : open;
    values.push(answer.value);
    sure &&= answer.sure;
  }
  return some(values, sure);
}
