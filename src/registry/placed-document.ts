import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';

/** A YAML (or JSON) text with places. */
export class PlacedDocument {
  readonly #file: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, logLevel: 'silent' });
    const [error] = this.#document.errors;
    if (error) throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `${this.#at(error.pos[0])}: ${error.message}`);
  }

  value(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      throw new DataQuarantineError('DQ_SCHEMA_FILE_INVALID', `${this.#file}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Where the value at `path` stands; the nearest thing around it where it has no place of its own. */
  placeOf(path: readonly string[]): string {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.#at(node.range[0]);
    }
    return this.#file;
  }

  /**
   * Where the character at `position` of a text stands that is the value at `path`. Quotes, folds and indents come between a text and its
   * source, so its line is looked for; where that is not found as it is, the text's own place is given.
   */
  placeInText(path: readonly string[], text: string, position: number): string {
    const node = this.#document.getIn(path, true);
    if (!isNode(node) || !node.range) return this.placeOf(path);
    const lineStart = text.lastIndexOf('\n', position - 1) + 1;
    const line = text.slice(lineStart).split('\n', 1)[0] as string;
    const found = line === '' ? -1 : this.#text.slice(node.range[0], node.range[1]).indexOf(line);
    return this.#at(node.range[0] + (found < 0 ? 0 : found + position - lineStart));
  }

  /** Where the name of the member `key` of the top-level mapping stands. */
  placeOfKey(key: string): string {
    const { contents } = this.#document;
    const items = contents && 'items' in contents ? (contents.items as { key?: unknown }[]) : [];
    const node = items.map((item) => item.key).find((item) => isNode(item) && String((item as { value?: unknown }).value) === key);
    return isNode(node) && node.range ? this.#at(node.range[0]) : this.#file;
  }

  #at(position: number): string {
    const { line, col } = this.#lines.linePos(position);
    return `${this.#file}:${line}:${col}`;
  }
}
