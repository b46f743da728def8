import type { AST } from '@eslint-community/regexpp';
import {
  type CodePointSet,
  codePointMax,
  codePointsMatching,
  complement,
  digits,
  lineTerminators,
  union,
  wordCharacters,
} from './code-point-set.ts';

/** Thrown for a pattern whose meaning is not certain to be kept. The message says what about it. */
export class Declined extends Error {}

type CharacterNode = AST.Character | AST.CharacterClass | AST.CharacterSet;

/**
 * The code points that one place of a pattern matches; without the flag `u`, the code units. Where letter case is folded the engine of
 * JavaScript itself is asked, so that its own tables and exceptions hold.
 */
export function characterSetOf(node: CharacterNode, flags: string): CodePointSet {
  return flags.includes('i') ? codePointsMatching(sourceOf(node), flags) : plainSetOf(node, flags);
}

/** The text of a node by itself. A literal is written as its number, since `\1` or a digit would read otherwise elsewhere. */
function sourceOf(node: CharacterNode): string {
  if (node.type !== 'Character') return node.raw;
  if (node.value > 0xffff) return `\\u{${node.value.toString(16)}}`;
  return `\\u${node.value.toString(16).padStart(4, '0')}`;
}

function plainSetOf(node: CharacterNode | AST.CharacterClassElement, flags: string): CodePointSet {
  switch (node.type) {
    case 'Character':
      return [[node.value, node.value]];
    case 'CharacterClassRange':
      return [[node.min.value, node.max.value]];
    case 'CharacterSet':
      return escapeSetOf(node, flags);
    case 'CharacterClass': {
      const members = union(...node.elements.map((element) => plainSetOf(element, flags)));
      return node.negate ? clipped(complement(members), flags) : members;
    }
    default:
      throw new Declined('it uses operations on sets');
  }
}

function escapeSetOf(node: AST.CharacterSet, flags: string): CodePointSet {
  switch (node.kind) {
    case 'any':
      return clipped(complement(lineTerminators), flags);
    case 'digit':
      return turned(digits, node.negate, flags);
    case 'word':
      return turned(wordCharacters, node.negate, flags);
    case 'space':
      return turned(codePointsMatching('\\s', ''), node.negate, flags);
    case 'property':
      if (node.strings) throw new Declined('it uses a property of strings');
      return codePointsMatching(node.raw, flags);
    default:
      throw new Declined('it uses a kind of set that is not known here');
  }
}

function turned(set: CodePointSet, negate: boolean, flags: string): CodePointSet {
  return negate ? clipped(complement(set), flags) : set;
}

/** Without the flag `u` there is nothing past U+FFFF. */
function clipped(set: CodePointSet, flags: string): CodePointSet {
  const last = flags.includes('u') ? codePointMax : 0xffff;
  return set.filter(([first]) => first <= last).map(([first, end]) => [first, Math.min(end, last)]);
}
