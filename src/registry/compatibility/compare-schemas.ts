import { isDeepStrictEqual } from 'node:util';
import type { CompatibilityMode } from '../../model/compatibility-mode.ts';
import { compileInMemory } from '../compiler.ts';
import { SchemaDocument, type Version } from '../schema-document.ts';
import { type Formula, Formulas } from './formula.ts';
import { fulfils } from './fulfils.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { TooManyStates } from './regular-language.ts';
import { Solver } from './solver.ts';
import { Translation } from './translation.ts';
import { searchWitness, smallestWitness } from './witness-search.ts';

export interface CompatibilityFinding {
  /** A stable name of the kind of break; `undecided` where none was found and none was excluded. */
  readonly rule: string;
  /** JSON Pointer of the keyword in the schema that refuses; of a removed or added property, where it is or was. */
  readonly path: string;
  /** What broke, who would be hit, and what to write instead. */
  readonly message: string;
  /** A document that one schema accepts and the other refuses, checked by the validator; null for `undecided`. */
  readonly witness: unknown;
}

/** `compatible` is true only if it is proven, false only with a witness, and null where it stays open. */
export interface Compatibility {
  readonly compatible: boolean | null;
  readonly mode: CompatibilityMode;
  readonly findings: readonly CompatibilityFinding[];
}

/**
 * Compares two versions of a JSON Schema as sets of documents. Backward: every document that fits `older` fits `newer`; forward: the
 * other way round; full: both. Throws `DQ_SCHEMA_INVALID` for a schema that does not compile.
 */
export function compareSchemas(older: unknown, newer: unknown, mode: CompatibilityMode): Compatibility {
  if (isDeepStrictEqual(older, newer)) {
    compileInMemory(older);
    return { compatible: true, mode, findings: [] };
  }
  const sides = { older: sideOf(older, 'older'), newer: sideOf(newer, 'newer') };
  const findings: CompatibilityFinding[] = [];
  if (!mode.startsWith('forward') && mode !== 'none') findings.push(...breaks(sides.older, sides.newer));
  if (!mode.startsWith('backward') && mode !== 'none') findings.push(...breaks(sides.newer, sides.older));
  const open = findings.some(({ rule }) => rule === 'undecided');
  const broken = findings.some(({ rule }) => rule !== 'undecided');
  return { compatible: broken ? false : open ? null : true, mode, findings };
}

interface Side {
  readonly version: Version;
  readonly schema: unknown;
  readonly accepts: (document: unknown) => boolean;
}

function sideOf(schema: unknown, version: Version): Side {
  const plain = JSON.parse(JSON.stringify(schema)) as unknown;
  const validate = compileInMemory(plain);
  return { version, schema: plain, accepts: (document) => validate(document) };
}

const roundsToDoubt = 300;
const roundsToFind = 4_000;

interface Question {
  readonly from: Side;
  readonly to: Side;
  readonly accepted: Formula;
  readonly leaves: readonly Leaf[];
  readonly solver: Solver;
}

/** The findings against "whatever `from` accepts, `to` accepts". */
function breaks(from: Side, to: Side): CompatibilityFinding[] {
  const formulas = new Formulas();
  const documents = [new SchemaDocument(from.schema, from.version), new SchemaDocument(to.schema, to.version)] as const;
  const question = {
    from,
    to,
    accepted: new Translation(documents[0], formulas).schema(from.schema),
    leaves: leavesOf(new Translation(documents[1], formulas), documents[0]),
    solver: new Solver(formulas),
  };
  const found: CompatibilityFinding[] = [];
  const open: Leaf[] = [];
  for (const leaf of question.leaves) {
    const outcome = judge(question, leaf);
    if (outcome === 'open') open.push(leaf);
    else if (outcome !== 'kept') found.push(outcome);
  }
  if (found.length > 0) return found;
  const witness = search(question, open.length > 0 ? roundsToFind : roundsToDoubt);
  if (witness) {
    const shows = (smaller: unknown) => from.accepts(smaller) && !to.accepts(smaller);
    return [attributed(question, open, smallestWitness(witness.document, shows))];
  }
  return open.map((leaf) => undecided(leaf, to));
}

/** Does every accepted document meet the demand? */
function judge({ from, to, accepted, solver }: Question, leaf: Leaf): 'kept' | 'open' | CompatibilityFinding {
  solver.refill();
  const { formulas } = solver;
  try {
    const answer = solver.solve(formulas.all([accepted, formulas.not(leaf.formula)]));
    if (answer.status === 'none') return 'kept';
    if (answer.status === 'open') return 'open';
    const document: unknown = JSON.parse(JSON.stringify(answer.value));
    const shows = (smaller: unknown) => from.accepts(smaller) && fulfils(leaf.formula, smaller) === false && !to.accepts(smaller);
    if (!from.accepts(document) || to.accepts(document)) return 'open';
    return finding(leaf, to, smallestWitness(document, shows));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TooManyStates) return 'open';
    throw error;
  }
}

function search({ from, to, accepted, leaves, solver }: Question, rounds: number): { readonly document: unknown } | null {
  solver.refill();
  const { formulas } = solver;
  const near = leaves.slice(0, 40).map(({ formula }) => formulas.all([accepted, formula]));
  const seeds = [accepted, ...near].flatMap((formula) => {
    const answer = solver.solve(formula);
    return answer.status === 'some' ? [answer.value] : [];
  });
  return searchWitness({
    accepts: from.accepts,
    refuses: (document) => !to.accepts(document),
    schemas: [from.schema, to.schema],
    seeds,
    textFor: (pattern) => textOf(solver, pattern),
    rounds,
  });
}

function textOf(solver: Solver, pattern: string): string | null {
  const language = solver.language(pattern, 'u');
  try {
    return language === null ? null : solver.languages.shortest(language);
  } catch (error) {
    if (error instanceof TooManyStates) return null;
    throw error;
  }
}

/** A witness that the search found belongs to the first demand that it does not meet. */
function attributed({ to, leaves }: Question, open: readonly Leaf[], document: unknown): CompatibilityFinding {
  const broken = leaves.find(({ formula }) => fulfils(formula, document) === false) ?? open[0] ?? leaves[0];
  if (broken) return finding(broken, to, document);
  return {
    rule: 'content_narrowed',
    path: '',
    message: `The ${to.version} version refuses what the other one accepts. ${whoIsHit[to.version]}`,
    witness: document,
  };
}

function finding({ breach, pointer }: Leaf, to: Side, witness: unknown): CompatibilityFinding {
  return { rule: breach.rule, path: pointer, message: sentence(breach.what, whoIsHit[to.version], `Instead: ${breach.instead}.`), witness };
}

function undecided({ breach, pointer }: Leaf, to: Side): CompatibilityFinding {
  const doubt = `Neither proven nor refuted: ${breach.what}`;
  return {
    rule: 'undecided',
    path: pointer,
    message: sentence(doubt, `If it breaks: ${whoIsHit[to.version]}`, `To be sure: ${breach.instead}.`),
    witness: null,
  };
}

/** The sentence that each message ends with before what to do instead, by the version that refuses. */
export const whoIsHit = {
  newer: 'Producers that still send what the older version allows would have their messages quarantined.',
  older: 'Consumers that still read with the older version would refuse what new producers send.',
} as const;

function sentence(what: string, ...more: readonly string[]): string {
  return [`${what.charAt(0).toUpperCase()}${what.slice(1)}.`, ...more].join(' ');
}
