import type { JsonNode } from './json-tree.ts';

export type PieceKind = 'name' | 'string' | 'number' | 'word' | 'mark' | 'plain';

/** A piece of a line as it is written in the payload. */
export interface Piece {
  readonly kind: PieceKind;
  readonly text: string;
  /** The verdict is about this piece. */
  readonly wrong: boolean;
}

export interface Line {
  readonly depth: number;
  readonly pieces: readonly Piece[];
  /** The verdict is about something on this line. */
  readonly wrong: boolean;
}

/**
 * The text with a line for every member, for reading alone: only the white space between the pieces differs from what is stored.
 * `wrong` is the node that the verdict is about.
 */
export function linesOf(text: string, root: JsonNode, wrong: JsonNode | null): Line[] {
  const lines: Line[] = [];
  let pieces: Piece[] = [];
  const add = (kind: PieceKind, from: number, to: number, isWrong = false) =>
    void pieces.push({ kind, text: text.slice(from, to), wrong: isWrong });
  const mark = (sign: string, isWrong = false) => void pieces.push({ kind: 'mark', text: sign, wrong: isWrong });
  const end = (depth: number) => {
    lines.push({ depth, pieces, wrong: pieces.some((piece) => piece.wrong) });
    pieces = [];
  };

  const write = (node: JsonNode, depth: number) => {
    const isWrong = node === wrong;
    if (node.name !== null) {
      add('name', node.nameFrom, endOfString(text, node.nameFrom), isWrong);
      mark(': ');
    }
    if (node.kind !== 'object' && node.kind !== 'array') {
      add(node.kind, node.from, node.to, isWrong);
      return;
    }
    const [open, close] = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
    mark(open, isWrong);
    if (node.children.length > 0) {
      end(depth);
      for (const [at, child] of node.children.entries()) {
        write(child, depth + 1);
        if (at < node.children.length - 1) mark(',');
        end(depth + 1);
      }
    }
    mark(close, isWrong);
  };
  write(root, 0);
  end(0);
  return lines;
}

/** Lines of a text that is not JSON, as it stands; `at` is where that shows. */
export function plainLines(text: string, at: number | null): Line[] {
  let from = 0;
  return text.split('\n').map((line) => {
    const start = from;
    from += line.length + 1;
    const isHere = at !== null && at >= start && at <= start + line.length;
    if (!isHere) return { depth: 0, pieces: [{ kind: 'plain', text: line, wrong: false }], wrong: false };
    const split = at - start;
    const rest = line.slice(split);
    const pieces: Piece[] = [
      { kind: 'plain', text: line.slice(0, split), wrong: false },
      { kind: 'plain', text: rest.slice(0, 1) || '⟨end⟩', wrong: true },
      { kind: 'plain', text: rest.slice(1), wrong: false },
    ];
    return { depth: 0, pieces, wrong: true };
  });
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
