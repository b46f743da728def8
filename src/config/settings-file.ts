import { readFileSync, statSync } from 'node:fs';
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { messageOf } from '../lib/errors.ts';
import type { Path } from './schema-tree.ts';

/** A place in a settings file, both counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something about a file that must be mended, and where. */
export interface FileProblem {
  readonly place: Place;
  readonly text: string;
}

/** A settings file as it was written: its values, and where each of them stands. */
export interface SettingsFile {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly FileProblem[];
  /** The place of the name at the end of `path`, or of the nearest group above it that is in the file. */
  placeOf(path: Path): Place;
  /** Does the file itself hold something at `path`? */
  holds(path: Path): boolean;
}

const fileBytesMax = 1_048_576;
/** How many nodes the aliases of a file may stand for: a few lines of them can otherwise mean billions. */
const aliasCountMax = 100;

export function readSettingsFile(file: string): SettingsFile {
  try {
    if (statSync(file).size > fileBytesMax) return unreadable(file, 'the file is larger than 1 MiB, which no settings file needs to be');
    return parseSettings(readFileSync(file, 'utf8'), file);
  } catch (error) {
    return unreadable(file, `the file cannot be read (${messageOf(error)}). Name another with --config.`);
  }
}

function parseSettings(text: string, file: string): SettingsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (position: number): Place => {
    const { line, col } = lines.linePos(position);
    return { file, line, column: col };
  };
  const found = [...document.errors, ...document.warnings];
  if (found.length > 0)
    return empty(
      file,
      found.map((error) => ({ place: place(error.pos[0]), text: error.message })),
    );
  const top = document.contents;
  if (top === null || (isScalar(top) && top.value === null)) return empty(file, []);
  if (!isMap(top)) return empty(file, [{ place: place(startOf(top)), text: 'a settings file is a YAML map of groups such as "kafka:"' }]);
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const walk = (path: Path) => follow(top, path, resolved);
  try {
    return {
      values: document.toJS({ maxAliasCount: aliasCountMax }) as Record<string, unknown>,
      problems: [],
      placeOf: (path) => place(walk(path).position),
      holds: (path) => walk(path).whole,
    };
  } catch (error) {
    return empty(file, [
      { place: { file, line: 1, column: 1 }, text: `the aliases of this file cannot be resolved (${messageOf(error)})` },
    ]);
  }
}

/** Goes down `path` as far as it can: where that is, and whether it was the whole way. */
function follow(top: Node, path: Path, resolved: (node: unknown) => unknown): { position: number; whole: boolean } {
  let node: unknown = top;
  let position = startOf(top);
  for (const name of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && String(item.key.value) === name);
      if (!pair) return { position, whole: false };
      position = startOf(pair.key);
      node = resolved(pair.value);
    } else if (isSeq(node) && node.items[Number(name)] !== undefined) {
      position = startOf(node.items[Number(name)]);
      node = resolved(node.items[Number(name)]);
    } else return { position, whole: false };
  }
  return { position, whole: true };
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function unreadable(file: string, text: string): SettingsFile {
  return empty(file, [{ place: { file, line: 1, column: 1 }, text }]);
}

function empty(file: string, problems: readonly FileProblem[]): SettingsFile {
  return { values: {}, problems, placeOf: () => ({ file, line: 1, column: 1 }), holds: () => false };
}
