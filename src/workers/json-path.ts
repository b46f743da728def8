import { formatPointer } from '../registry/json-pointer.ts';

/** A way into a JSON value: names of members and indexes of items. */
export type Segment = string | number;
export type JsonPath = readonly Segment[];

/** A hostile message can have names of megabytes; its row and its dead letter cannot. */
const pathCharactersMax = 1_024;

/** `items[3].sku`; empty at the top. */
export function dottedPath(path: JsonPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += text === '' ? segment : `.${segment}`;
    if (text.length > pathCharactersMax) break;
  }
  return storable(text);
}

/** RFC 6901. */
export function pointerPath(path: JsonPath): string {
  return storable(formatPointer(path));
}

/** Neither a NUL nor half of a surrogate pair can be kept in a database's text. */
function storable(text: string): string {
  const cut = text.length > pathCharactersMax ? `${text.slice(0, pathCharactersMax - 1)}…` : text;
  return cut.replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd');
}
