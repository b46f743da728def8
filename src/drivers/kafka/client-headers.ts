import type { MessageHeader } from '@confluentinc/kafka-javascript';
import type { Header } from '../../model/header.ts';

const noHeaders: readonly Header[] = [];

/**
 * The client's headers as ours. The client gives each header as an object with the name as its one key. A header named
 * `__proto__` has no key then: the assignment went to the setter, and the value is the object's prototype (measured with 1.10.1).
 * A null value arrives as an empty one; that difference is lost before JavaScript sees it.
 */
export function fromClientHeaders(headers: readonly MessageHeader[] | undefined): readonly Header[] {
  if (!headers || headers.length === 0) return noHeaders;
  return headers.map((header) => {
    const names = Object.keys(header);
    const name = names[0];
    if (name === undefined) return { name: '__proto__', value: Object.getPrototypeOf(header) as Buffer };
    return { name, value: header[name] as Buffer };
  });
}

/**
 * Our headers as the client wants them, made anew for every message. The name is always an own property, `__proto__` too. An empty
 * value goes as an empty string, because the client sends an empty Buffer as null.
 */
export function toClientHeaders(headers: readonly Header[]): MessageHeader[] | undefined {
  if (headers.length === 0) return undefined;
  return headers.map(({ name, value }) => {
    // A copy of a known shape is made much faster than an object with a computed name.
    const header = { ...(templates.get(name) ?? templateOf(name)) };
    header[name] = value === null || value.length === 0 ? '' : value;
    return header;
  });
}

const templates = new Map<string, MessageHeader>();
const templatesMax = 1_000;

function templateOf(name: string): MessageHeader {
  const template = { [name]: '' };
  if (templates.size < templatesMax) templates.set(name, template);
  return template;
}
