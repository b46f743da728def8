import { createRequire } from 'node:module';
import { codePointLast, type PatternNode, PatternNotKnown, parsePattern } from './parse-pattern.ts';

/**
 * How a pattern can be matched without a hostile text keeping a thread busy: by the platform as it is, by a linear engine under another
 * expression with the same meaning, or not at all.
 */
export type PatternVetting =
  | { readonly engine: 'platform' }
  | { readonly engine: 'linear'; readonly expression: string }
  | { readonly engine: 'none'; readonly why: string };

type Check = (
  source: string,
  flags: string,
  options: object,
) => { status: 'safe' | 'vulnerable' | 'unknown'; complexity?: { type: string } };

const nodeRequire = createRequire(import.meta.url);
const known = new Map<string, PatternVetting>();
const knownMax = 10_000;
/** The linear engine takes no higher counts. */
const repeatsMax = 1_000;
const checkMsMax = 1_000;

/** Looks at a pattern that `RegExp` takes with the `u` flag. */
export function vetPattern(source: string): PatternVetting {
  const before = known.get(source);
  if (before) return before;
  const vetting = vet(source);
  if (known.size >= knownMax) known.clear();
  known.set(source, vetting);
  return vetting;
}

function vet(source: string): PatternVetting {
  const expression = linearExpression(source);
  if (expression === 'platform') return { engine: 'platform' };
  const { status, complexity } = check(source, expression !== null);
  if (status === 'safe') return { engine: 'platform' };
  if (expression !== null) return { engine: 'linear', expression };
  if (complexity?.type !== 'exponential') return { engine: 'platform' };
  const why = 'a text can make this pattern take time that doubles with every character, and look-around, back references and counts over';
  return { engine: 'none', why: `${why} ${repeatsMax} keep it from the linear engine; repeat nothing that is itself repeated or optional` };
}

/** The pattern for the linear engine; `platform` where backtracking has nothing to choose from; null where it cannot be said. */
function linearExpression(source: string): string | null {
  try {
    const node = parsePattern(source, 'u');
    return isPlain(node) ? 'platform' : written(node);
  } catch (error) {
    if (error instanceof PatternNotKnown) return null;
    throw error;
  }
}

function check(source: string, byAutomaton: boolean): ReturnType<Check> {
  // Loading takes most of a second, and few schemas need it.
  const { checkSync } = nodeRequire('recheck') as { checkSync: Check };
  return checkSync(source, 'u', { checker: byAutomaton ? 'automaton' : 'auto', timeout: checkMsMax });
}

/** Anchored at its start, and every repeated class is followed by something that it does not hold: each letter has one way to be taken. */
function isPlain(node: PatternNode): boolean {
  const parts = node.op === 'sequence' ? node.of : [node];
  const last = parts.at(-1);
  const counted = parts.slice(1, last?.op === 'end' ? -1 : undefined);
  const classes = counted.map((part) => (part.op === 'class' ? part : part.op === 'times' && part.of.op === 'class' ? part.of : null));
  if (parts[0]?.op !== 'start' || classes.includes(null)) return false;
  return counted.every((part, index) => {
    if (part.op !== 'times' || part.least === part.most) return true;
    const next = classes[index + 1];
    const following = counted[index + 1];
    if (!next) return true;
    return !(following?.op === 'times' && following.least === 0) && !meet(part.of, next);
  });
}

function meet(one: PatternNode, other: PatternNode): boolean {
  if (one.op !== 'class' || other.op !== 'class') return true;
  for (let at = 0; at < one.ranges.length; at += 2) {
    for (let to = 0; to < other.ranges.length; to += 2) {
      const first = Math.max(one.ranges[at] as number, other.ranges[to] as number);
      if (first <= Math.min(one.ranges[at + 1] as number, other.ranges[to + 1] as number)) return true;
    }
  }
  return false;
}

/** The same in the syntax of RE2, with every class spelt out, so that no shorthand can mean another thing there. */
function written(node: PatternNode): string | null {
  switch (node.op) {
    case 'class':
      return writtenClass(node.ranges);
    case 'start':
      return '\\A';
    case 'end':
      return '\\z';
    case 'look':
      return null;
    case 'times': {
      const inner = written(node.of);
      const tooMany = node.least > repeatsMax || (node.most !== Infinity && node.most > repeatsMax);
      return inner === null || tooMany ? null : `(?:${inner}){${node.least},${node.most === Infinity ? '' : node.most}}`;
    }
    case 'sequence':
    case 'choice': {
      const parts = node.of.map(written);
      return parts.includes(null) ? null : `(?:${parts.join(node.op === 'choice' ? '|' : '')})`;
    }
  }
}

function writtenClass(ranges: readonly number[]): string {
  if (ranges.length === 0) return `[^\\x{0}-\\x{${codePointLast.toString(16)}}]`;
  const hex = (code: number) => `\\x{${code.toString(16)}}`;
  let text = '';
  for (let at = 0; at < ranges.length; at += 2) text += `${hex(ranges[at] as number)}-${hex(ranges[at + 1] as number)}`;
  return `[${text}]`;
}
