import { type ASTNode, Environment, EvaluationError, ParseError, type ParseResult, TypeError as RuleTypeError } from '@marcbachmann/cel-js';
import { vetPattern } from './patterns/vet-pattern.ts';
import type { SchemaError, ValidateFunction } from './validator-runtime.ts';

/** A check across the fields of a message, as a schema file lays it out. */
export interface Rule {
  readonly name: string;
  /** In CEL, over `value`, the message; true: the message passes. */
  readonly check: string;
  /** What people are told where it does not hold. */
  readonly message: string;
  /** JSON Pointer of the field to mend, empty for the message as a whole. */
  readonly field: string;
}

/** What is wrong with an expression, and where in it: the position of a character. */
export interface RuleProblem {
  readonly message: string;
  readonly position: number;
}

/** A rule that is ready to run. */
export interface CompiledRule extends Rule {
  /** Null: the value passes. Otherwise one sentence with nothing of the value in it. */
  readonly refuse: (value: unknown) => string | null;
}

const valueName = 'value';
/** How often a rule may look at an item: a second of one thread. Loops inside loops multiply. */
const looksMax = 2_000_000;
const loopsMax = 3;
const loops: ReadonlySet<unknown> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

const arithmetic: Readonly<Record<string, (one: number, other: number) => number>> = {
  '+': (one, other) => one + other,
  '-': (one, other) => one - other,
  '*': (one, other) => one * other,
  '/': (one, other) => one / other,
  '%': (one, other) => one % other,
};

const environment = createEnvironment();

/** JSON has one kind of number, which is a double in CEL, so whole numbers in an expression may be joined with those of a message. */
function createEnvironment(): Environment {
  const rules = new Environment({ homogeneousAggregateLiterals: false, limits: { maxAstNodes: 1_000, maxDepth: 64 } });
  rules.registerVariable(valueName, 'dyn');
  for (const [sign, apply] of Object.entries(arithmetic)) {
    const joined = (one: unknown, other: unknown) => apply(Number(one), Number(other));
    rules.registerOperator(`double ${sign} int: double`, joined);
    rules.registerOperator(`int ${sign} double: double`, joined);
  }
  rules.registerOperator('double % double: double', arithmetic['%'] as (one: number, other: number) => number);
  return rules;
}

/** Reads and type-checks the expression of a rule. */
export function compileRule(rule: Rule): CompiledRule | RuleProblem {
  let expression: ParseResult;
  try {
    expression = environment.parse(rule.check);
  } catch (error) {
    return problemFrom(error);
  }
  const checked = expression.check();
  if (!checked.valid) return problemFrom(checked.error);
  if (checked.type !== 'bool' && checked.type !== 'dyn') return { message: `expected true or false, found ${checked.type}`, position: 0 };
  const problem = problemOf(expression.ast);
  if (problem) return problem;
  const depth = loopDepth(expression.ast);
  return { ...rule, refuse: (value) => refusal(rule, expression, depth, value) };
}

/** All rules of a schema, which have been looked at before. */
export function compileRules(rules: readonly Rule[]): readonly CompiledRule[] {
  return rules.map((rule) => {
    const compiled = compileRule(rule);
    if ('position' in compiled) throw new Error(`the rule ${rule.name} was taken before: ${compiled.message}`);
    return compiled;
  });
}

/** What the error of a rule is called: `rule:` and its name. */
export const rulePrefix = 'rule:';

/** Also asks the rules, of values that fit the schema. A rule that refuses is an error like those of keywords; all that do are told. */
export function withRules(validate: ValidateFunction, rules: readonly CompiledRule[]): ValidateFunction {
  if (rules.length === 0) return validate;
  let errors: readonly SchemaError[] | null = null;
  const judge = (value: unknown): boolean => {
    if (!validate(value)) {
      errors = validate.errors ?? null;
      return false;
    }
    const broken = rules.flatMap((rule) => errorOf(rule, value) ?? []);
    // The last error is the cause, and the first rule is the one that its author thought of first.
    errors = broken.length === 0 ? null : broken.reverse();
    return errors === null;
  };
  return Object.defineProperties(judge, { errors: { get: () => errors }, schema: { get: () => validate.schema } }) as ValidateFunction;
}

function errorOf(rule: CompiledRule, value: unknown): SchemaError | null {
  const message = rule.refuse(value);
  if (message === null) return null;
  return { keyword: `${rulePrefix}${rule.name}`, schemaPath: `#${rulePrefix}${rule.name}`, instancePath: rule.field, params: { message } };
}

function refusal(rule: Rule, expression: ParseResult, depth: number, value: unknown): string | null {
  if (depth > 0 && partsOf(value, looksMax ** (1 / depth)) ** depth > looksMax) {
    return `the rule "${rule.name}" looks at every item, and expected fewer of them`;
  }
  try {
    const held: unknown = expression({ [valueName]: value });
    if (held === true) return null;
    return held === false ? rule.message : `${cannot(rule)}: it gives neither true nor false`;
  } catch (error) {
    if (error instanceof EvaluationError) return `${cannot(rule)}: ${reasons[error.code] ?? 'a value is not of the kind that it needs'}`;
    throw error;
  }
}

const cannot = ({ name }: Rule): string => `the rule "${name}" cannot be decided`;

/** The library's own words may quote the message. */
const reasons: Readonly<Record<string, string>> = {
  no_such_key: 'a member that it reads is missing',
  index_out_of_bounds: 'an item that it reads is missing',
  index_out_of_range: 'an item that it reads is missing',
  numeric_overflow: 'a number is too large',
  division_by_zero: 'a divisor is zero',
  modulo_by_zero: 'a divisor is zero',
  invalid_timestamp: 'a text is not a date and time',
  invalid_duration: 'a text is not a duration',
};

/** The members and items of all objects and arrays together, counted until there are more than `most`. */
function partsOf(value: unknown, most: number): number {
  const open: unknown[] = [value];
  let parts = 0;
  for (let next = open.pop(); next !== undefined && parts <= most; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    for (const inner of Array.isArray(next) ? next : Object.values(next)) {
      parts += 1;
      if (typeof inner === 'object' && inner !== null) open.push(inner);
    }
  }
  return parts;
}

function problemFrom(error: unknown): RuleProblem {
  if (error instanceof ParseError || error instanceof RuleTypeError) return { message: error.summary, position: error.range?.start ?? 0 };
  throw error;
}

function problemOf(ast: ASTNode): RuleProblem | null {
  if (loopDepth(ast) > loopsMax) return { message: `expected at most ${loopsMax} loops inside each other`, position: ast.start };
  for (const node of nodesOf(ast)) {
    const problem = patternProblem(node);
    if (problem) return { message: problem, position: node.start };
  }
  return null;
}

/** CEL promises linear time for `matches`, which the platform's expressions do not have. */
function patternProblem(node: ASTNode): string | null {
  const isCall = node.op === 'call' || node.op === 'rcall';
  if (!isCall || node.args[0] !== 'matches') return null;
  const pattern = (node.args.at(-1) as ASTNode[]).at(-1);
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return 'the pattern of "matches" must be written out';
  if (!isExpression(pattern.args)) return 'the pattern of "matches" is not a regular expression';
  if (vetPattern(pattern.args).engine === 'platform') return null;
  return 'a text can keep this pattern busy for too long; move it to the keyword "pattern" of the schema, which has a linear engine';
}

function isExpression(source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function loopDepth(part: unknown): number {
  if (Array.isArray(part)) return Math.max(0, ...part.map(loopDepth));
  if (!isNode(part)) return 0;
  const inner = loopDepth(part.args);
  return part.op === 'rcall' && loops.has(part.args[0]) ? inner + 1 : inner;
}

function* nodesOf(part: unknown): Generator<ASTNode> {
  if (Array.isArray(part)) for (const inner of part) yield* nodesOf(inner);
  if (!isNode(part)) return;
  yield part;
  yield* nodesOf(part.args);
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part;
}
