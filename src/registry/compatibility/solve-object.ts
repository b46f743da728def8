import { type Answer, none, open, some } from './answer.ts';
import type { Clause, Solving } from './clause.ts';
import type { Formula } from './formula.ts';
import { constantsOf, isAboutConstants } from './formula-parts.ts';
import { fulfils } from './fulfils.ts';

interface Rule {
  readonly where: Formula;
  readonly is: Formula;
}

/** A place for a member: a name that the claims know, or any name that they all treat alike. */
interface Slot {
  readonly name: string | null;
  /** Stands for the names of a class; for a known name, the name itself. */
  readonly names: Formula;
  /** What the value has to fulfil. */
  readonly is: Formula;
  /** Is the name one of `where`? Null where the model does not know. */
  readonly covers: (where: Formula) => boolean | null;
}

interface ObjectProblem {
  readonly solving: Solving;
  readonly required: ReadonlySet<string>;
  readonly wanted: readonly Rule[];
  readonly slots: readonly Slot[];
  readonly least: number;
  readonly most: number;
}

/** A member that the object is to have. */
interface Member {
  readonly slot: Slot;
  readonly is: Formula;
}

const classPredicatesMax = 10;
const spareMembersMax = 64;

/**
 * Finds an object that fulfils the clause, or proves that there is none. All names that no claim mentions and that match the same
 * patterns are alike, so a class of them is one slot; every claim that wants a member picks a slot or shares a member with another.
 */
export function solveObject(clause: Clause, solving: Solving): Answer {
  const problem = problemOf(clause, solving);
  if (problem === null) return open;
  if (problem.least > problem.most) return none;
  const members: Member[] = [];
  for (const name of problem.required) {
    const slot = problem.slots.find((candidate) => candidate.name === name);
    if (!slot) return none;
    members.push({ slot, is: slot.is });
  }
  return place(problem, members, problem.wanted);
}

function problemOf(clause: Clause, solving: Solving): ObjectProblem | null {
  const { yes, no } = clause;
  const names = (claims: ReadonlySet<Formula>) => [...claims].flatMap((claim) => (claim.op === 'required' ? [claim.name] : []));
  const limits = (claims: ReadonlySet<Formula>, op: 'membersLeast' | 'membersMost') =>
    [...claims].flatMap((claim) => (claim.op === op ? [claim.limit] : []));
  const rules = [...yes].filter((claim) => claim.op === 'members');
  const wanted = [...no].filter((claim) => claim.op === 'members').map(({ where, is }) => ({ where, is: solving.formulas.not(is) }));
  const required = new Set(names(yes));
  const least = Math.max(
    0,
    ...limits(yes, 'membersLeast').map(Math.ceil),
    ...limits(no, 'membersMost').map((limit) => Math.floor(limit) + 1),
  );
  const most = Math.min(...limits(yes, 'membersMost').map(Math.floor), ...limits(no, 'membersLeast').map((limit) => Math.ceil(limit) - 1));
  const absent = new Set(names(no));
  const known = new Set([...required, ...absent, ...[...rules, ...wanted].flatMap(({ where }) => constantsOf(where))]);
  const slots: Slot[] = [];
  for (const name of known) {
    if (absent.has(name) || name === '__proto__') continue;
    const covers = (where: Formula) => fulfils(where, name);
    const is = solving.formulas.all(rules.filter(({ where }) => covers(where) === true).map((rule) => rule.is));
    if (solving.solve(is).status !== 'none') slots.push({ name, names: solving.formulas.exactly(name), is, covers });
  }
  const fresh = wanted.length > 0 || least > required.size;
  if (fresh) {
    const classes = classesOf({ rules, wanted, known, solving });
    if (classes === null) return null;
    slots.push(...classes);
  }
  return { solving, required, wanted, slots, least, most };
}

interface NameProblem {
  readonly rules: readonly Rule[];
  readonly wanted: readonly Rule[];
  readonly known: ReadonlySet<string>;
  readonly solving: Solving;
}

/**
 * The classes of names that the claims do not mention, by the predicates that they fulfil; null where there are too many to look at. A
 * predicate about certain names alone is the same for all others.
 */
function classesOf({ rules, wanted, known, solving }: NameProblem): Slot[] | null {
  const { formulas } = solving;
  const all = [...new Set([...rules, ...wanted].map(({ where }) => where))];
  const settled = all.filter(isAboutConstants);
  const predicates = all.filter((where) => !isAboutConstants(where));
  if (predicates.length > classPredicatesMax) return null;
  let unmentioned = 'dq';
  while (known.has(unmentioned)) unmentioned += '_';
  const always = settled.filter((where) => fulfils(where, unmentioned) === true);
  const unknown = ['__proto__', ...known].map((name) => formulas.not(formulas.exactly(name)));
  let classes = [{ names: formulas.all([formulas.kind('string'), ...unknown]), fulfilled: new Set<Formula>(always) }];
  for (const predicate of predicates) {
    classes = classes.flatMap(({ names, fulfilled }) => [
      { names: formulas.all([names, predicate]), fulfilled: new Set([...fulfilled, predicate]) },
      { names: formulas.all([names, formulas.not(predicate)]), fulfilled },
    ]);
    classes = classes.filter(({ names }) => solving.solve(names).status !== 'none');
  }
  const slots = classes.map(({ names, fulfilled }): Slot => {
    const is = formulas.all(rules.filter(({ where }) => fulfilled.has(where)).map((rule) => rule.is));
    return { name: null, names, is, covers: (where) => fulfilled.has(where) };
  });
  return slots.filter(({ is }) => solving.solve(is).status !== 'none');
}

/** Gives every wanted member its slot, in every way. */
function place(problem: ObjectProblem, members: readonly Member[], [wish, ...rest]: readonly Rule[]): Answer {
  const { solving } = problem;
  if (!solving.spend()) return open;
  if (!wish) return fill(problem, members);
  let best: Answer = none;
  for (const next of waysFor(problem, members, wish)) {
    const answer = place(problem, next, rest);
    if (answer.status === 'some' && answer.sure) return answer;
    if (answer.status !== 'none' && best.status !== 'some') best = answer;
  }
  return best;
}

function* waysFor({ solving, slots }: ObjectProblem, members: readonly Member[], { where, is }: Rule): Generator<readonly Member[]> {
  const possible = (formula: Formula) => solving.solve(formula).status !== 'none';
  for (const [index, member] of members.entries()) {
    const both = solving.formulas.all([member.is, is]);
    if (member.slot.covers(where) !== false && possible(both)) yield members.with(index, { slot: member.slot, is: both });
  }
  for (const slot of slots) {
    if (slot.name !== null && members.some((member) => member.slot === slot)) continue;
    const both = solving.formulas.all([slot.is, is]);
    if (slot.covers(where) !== false && possible(both)) yield [...members, { slot, is: both }];
  }
}

/** Adds members that nobody asked for until there are enough, then gives each its name and value. */
function fill({ solving, slots, least, most }: ObjectProblem, wanted: readonly Member[]): Answer {
  if (wanted.length > most) return none;
  if (least > wanted.length + spareMembersMax) return open;
  const object = new Map<string, unknown>();
  let sure = true;
  for (const member of wanted) {
    const name = nameFor(member.slot, object, solving);
    if (name === null) return none;
    const answer = solving.solve(member.is);
    if (answer.status === 'none') return none;
    if (name === undefined || answer.status === 'open') return open;
    object.set(name, answer.value);
    sure &&= answer.sure;
  }
  let complete = true;
  for (const slot of slots) {
    while (object.size < least && !(slot.name !== null && object.has(slot.name))) {
      const name = nameFor(slot, object, solving);
      const answer = solving.solve(slot.is);
      if (name === undefined || answer.status === 'open') complete = false;
      if (typeof name !== 'string' || answer.status !== 'some') break;
      object.set(name, answer.value);
      sure &&= answer.sure;
    }
  }
  if (object.size < least) return complete ? none : open;
  return some(Object.fromEntries(object), sure);
}

/** A name of the slot that the object does not have yet; null where there is no more, undefined where none was found. */
function nameFor(slot: Slot, object: ReadonlyMap<string, unknown>, solving: Solving): string | null | undefined {
  if (slot.name !== null) return slot.name;
  const others = [...object.keys()].map((name) => solving.formulas.not(solving.formulas.exactly(name)));
  const answer = solving.solve(solving.formulas.all([slot.names, ...others]));
  if (answer.status === 'none') return null;
  return answer.status === 'some' ? (answer.value as string) : undefined;
}
