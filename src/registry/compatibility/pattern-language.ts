import { type PatternNode, PatternNotKnown, parsePattern } from '../patterns/parse-pattern.ts';
import type { Language, Languages } from './regular-language.ts';

/**
 * The texts in which a regular expression of ECMAScript finds a match. `flags` are those of the expression: `i` is known for ASCII.
 * Throws {@link PatternNotKnown} for what cannot be said exactly.
 */
export function languageOfPattern(languages: Languages, source: string, flags: string): Language {
  const node = parsePattern(source, flags);
  const fromStart = translate(node, { languages, rest: languages.anything, start: true });
  if (!holds(node, 'start')) return languages.then(languages.anything, fromStart);
  const later = translate(node, { languages, rest: languages.anything, start: false });
  return languages.or([fromStart, languages.then(languages.character, languages.then(languages.anything, later))]);
}

interface Surroundings {
  readonly languages: Languages;
  /** What may follow the node. */
  readonly rest: Language;
  /** Does the node stand at the very start of the text? */
  readonly start: boolean;
}

function translate(node: PatternNode, around: Surroundings): Language {
  const { languages, rest, start } = around;
  switch (node.op) {
    case 'class':
      return languages.then(languages.characters(node.ranges), rest);
    case 'start':
      return start ? rest : languages.none;
    case 'end':
      return languages.and([languages.empty, rest]);
    case 'look': {
      const ahead = translate(node.of, { languages, rest: languages.anything, start });
      return languages.and([node.wanted ? ahead : languages.not(ahead), rest]);
    }
    case 'choice':
      return languages.or(node.of.map((part) => translate(part, around)));
    case 'sequence':
      return translateSequence(node.of, around);
    case 'times': {
      if (node.most === 0) return rest;
      const once = node.least === 1 && node.most === 1;
      if (once) return translate(node.of, around);
      if (!asserts(node.of)) return languages.then(languages.times(consumed(languages, node.of), node.least, node.most), rest);
      if (node.least === 0 && node.most === 1) return languages.or([rest, translate(node.of, around)]);
      throw new PatternNotKnown('an assertion is repeated');
    }
  }
}

function consumed(languages: Languages, node: PatternNode): Language {
  return translate(node, { languages, rest: languages.empty, start: false });
}

function translateSequence(parts: readonly PatternNode[], { languages, rest, start }: Surroundings): Language {
  const starts: boolean[] = [];
  let atStart = start;
  for (const [index, part] of parts.entries()) {
    starts.push(atStart);
    if (!atStart || widthMost(part) === 0) continue;
    if (widthLeast(part) === 0 && parts.slice(index + 1).some((later) => holds(later, 'start'))) {
      throw new PatternNotKnown('the start of the text after something that may be empty');
    }
    atStart = false;
  }
  return parts.reduceRight((after, part, index) => translate(part, { languages, rest: after, start: starts[index] === true }), rest);
}

function holds(node: PatternNode, op: PatternNode['op']): boolean {
  if (node.op === op) return true;
  if (!('of' in node)) return false;
  return [node.of].flat().some((part) => holds(part, op));
}

const asserts = (node: PatternNode): boolean => holds(node, 'start') || holds(node, 'end') || holds(node, 'look');

function widthLeast(node: PatternNode): number {
  if (node.op === 'class') return 1;
  if (node.op === 'sequence') return node.of.reduce((sum, part) => sum + widthLeast(part), 0);
  if (node.op === 'choice') return Math.min(...node.of.map(widthLeast));
  return node.op === 'times' ? node.least * widthLeast(node.of) : 0;
}

function widthMost(node: PatternNode): number {
  if (node.op === 'class') return 1;
  if (node.op === 'sequence' || node.op === 'choice') return Math.max(0, ...node.of.map(widthMost));
  return node.op === 'times' && node.most > 0 ? widthMost(node.of) : 0;
}
