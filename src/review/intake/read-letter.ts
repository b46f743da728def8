import { isUtf8 } from 'node:buffer';
import type { DeadLetterFamily } from '../../model/dead-letter-family.ts';
import type { Header } from '../../model/header.ts';
import { type Family, families } from './families.ts';

/** Where a message was when it failed. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What the headers of a dead letter say. All that is not as its writer writes it is left out. */
export interface Letter {
  readonly family: DeadLetterFamily;
  /** The topic that it came from, null where that is not said. */
  readonly topic: string | null;
  /** Null unless topic, partition and offset are all said. */
  readonly origin: Origin | null;
  /** Of the message, in milliseconds since 1970; null where the dead letter has kept it or nothing is said. */
  readonly timestamp: number | null;
  /** Names of the classes that were thrown, the outermost first. */
  readonly exceptions: readonly string[];
  /** What was thrown, in its own words. They may quote the payload: only for those who may read it. */
  readonly message: string | null;
  /** One sentence of names alone: of the family, of classes and of configuration. Nothing of a payload is in it. */
  readonly summary: string;
}

const unknown: Letter = {
  family: 'unknown',
  topic: null,
  origin: null,
  timestamp: null,
  exceptions: [],
  message: null,
  summary: 'a dead letter without headers that are known here',
};

const exceptionsMax = 5;
/** No trace has so many unless it quotes them, and each is looked for in the whole message. */
const causesMax = 100;
const stacktraceBytesMax = 64 * 2 ** 10;
const messageCharactersMax = 10_000;
/** As Kafka itself has it; what a name is part of a path for must not lead elsewhere. */
const topicPattern = /^(?!\.{1,2}$)[\w.-]{1,249}$/;
const classPattern = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
const namePattern = /^[\w .:$@/-]{1,200}$/;
const causePattern = /^Caused by: ([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+)(?=:\s|:?\r?$)/gm;
/** Of the characters that a name can have. */
const escapeStart = String.raw`\u00`;
/** From the first backslash of a run on only: from each of them, a long run without an escape would take the square of its length. */
const escapePattern = /(?<!\\)\\+u00([2-7][\da-f])/gi;
/** An escape may spell the backslash of another one. Nobody writes it so more often. */
const passesMax = 4;
const digitsPattern = /^\d{1,16}$/;
const partitionMax = 2 ** 31 - 1;
const timestampMax = 8.64e15;

/**
 * Reads the headers of a dead letter. Where several families have written, it is that of the last header. `payload` is its key and its
 * value, which what was thrown may quote: without them the classes and the summary are not to be shown.
 */
export function readLetter(headers: readonly Header[], payload: readonly (Buffer | null)[] = []): Letter {
  const last = headers.findLast(({ name }) => familyOf(name) !== null);
  const family = last && familyOf(last.name);
  if (!family) return unknown;
  const own = headers.filter(({ name }) => familyOf(name) === null).map(({ value }) => value);
  return letterOf(family, headers, [...payload, ...own]);
}

function familyOf(name: string): Family | null {
  return families.find(({ prefix }) => name.startsWith(prefix)) ?? null;
}

function letterOf(family: Family, headers: readonly Header[], quotable: readonly (Buffer | null)[]): Letter {
  const fields = new Fields(family, headers);
  const { topic, partition, offset, timestamp } = family.origin;
  const said = fields.oldestText(topic);
  const from = said !== null && topicPattern.test(said) ? said : null;
  const [inPartition, atOffset] = [fields.number(partition, 4, partitionMax), fields.number(offset, 8, Number.MAX_SAFE_INTEGER)];
  const exceptions = exceptionsOf(family, fields, quotable);
  const messages = family.messages.map((name) => fields.text(name)).filter((text) => text !== null && text !== '');
  return {
    family: family.name,
    topic: from,
    origin: from === null || inPartition === null || atOffset === null ? null : { topic: from, partition: inPartition, offset: atOffset },
    timestamp: fields.number(timestamp, 8, timestampMax),
    exceptions,
    message: messages.length === 0 ? null : messages.join('\n').slice(0, messageCharactersMax),
    summary: summaryOf(family, exceptions, fields),
  };
}

/**
 * Those that have a header, then the causes that a stack trace names. The words of an exception stand in the trace as well, and what they
 * quote may have a line that looks like a cause: a name that the message itself holds is none.
 */
function exceptionsOf(family: Family, fields: Fields, quotable: readonly (Buffer | null)[]): string[] {
  const named = family.classes.map((name) => fields.text(name)).filter((name) => name !== null && classPattern.test(name)) as string[];
  const traces = family.stacktraces.map((name) => fields.text(name, stacktraceBytesMax) ?? '');
  const matches = traces.flatMap((trace) => [...trace.matchAll(causePattern)].map(([, name]) => name as string));
  const causes = [...new Set(matches)].filter((name) => !named.includes(name)).slice(0, causesMax);
  const readings = causes.length > 0 ? quotable.flatMap(readingsOf) : [];
  const thrown = causes.filter((name) => !readings.some((bytes) => bytes.includes(name)));
  return [...new Set([...named, ...thrown])].filter((name) => name.length <= 300).slice(0, exceptionsMax);
}

/** The bytes, and what they say where letters are written as JSON's escapes. JSON within JSON has more than one backslash before them. */
function readingsOf(bytes: Buffer | null): Buffer[] {
  if (bytes === null) return [];
  const readings = [bytes];
  let last = bytes;
  while (readings.length <= passesMax && last.includes(escapeStart)) {
    const read = last.toString('latin1').replaceAll(escapePattern, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (read.length === last.length) break;
    last = Buffer.from(read, 'latin1');
    readings.push(last);
  }
  return readings;
}

function summaryOf({ title, names }: Family, exceptions: readonly string[], fields: Fields): string {
  const thrown = exceptions.map((name) => name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf('$')) + 1));
  const configured = names.flatMap(([word, header]) => {
    const name = fields.text(header);
    return name !== null && namePattern.test(name) ? [`${word} ${name}`] : [];
  });
  const reason = [thrown.join(', caused by '), configured.join(' ')].filter((part) => part !== '').join(', ');
  return `${title} gave it up${reason === '' ? '' : `: ${reason}`}`;
}

/** The headers of one family by their names. */
class Fields {
  readonly #family: Family;
  readonly #headers: readonly Header[];

  constructor(family: Family, headers: readonly Header[]) {
    this.#family = family;
    this.#headers = headers;
  }

  /** Of the newest pass; null where there is none that is text. */
  text(name: string, bytesMax = Number.POSITIVE_INFINITY): string | null {
    return textOf(this.#find(name, this.#family.newest), bytesMax);
  }

  /** Of the first pass: where the message was before anybody gave it up. */
  oldestText(name: string): string | null {
    return textOf(this.#oldest(name), Number.POSITIVE_INFINITY);
  }

  /** Of the first pass, null where there is none that is a number from 0 to `max`. */
  number(name: string | undefined, bytes: 4 | 8, max: number): number | null {
    const value = name === undefined ? null : this.#oldest(name);
    if (value === null) return null;
    const number = this.#family.numbers === 'binary' ? integer(value, bytes) : decimal(value);
    return number !== null && number >= 0 && number <= max ? number : null;
  }

  #oldest(name: string): Buffer | null {
    return this.#find(name, this.#family.newest === 'last' ? 'first' : 'last');
  }

  #find(wanted: string, which: 'first' | 'last'): Buffer | null {
    const isIt = ({ name }: Header) => name === wanted;
    return (which === 'first' ? this.#headers.find(isIt) : this.#headers.findLast(isIt))?.value ?? null;
  }
}

/** What is cut off may have had the end of a character in it. */
function textOf(value: Buffer | null, bytesMax: number): string | null {
  if (value === null || !isUtf8(value)) return null;
  return value.subarray(0, bytesMax).toString();
}

function decimal(value: Buffer): number | null {
  const text = value.length <= 16 ? value.toString('latin1') : '';
  return digitsPattern.test(text) ? Number(text) : null;
}

function integer(value: Buffer, bytes: 4 | 8): number | null {
  if (value.length !== bytes) return null;
  return bytes === 4 ? value.readInt32BE() : Number(value.readBigInt64BE());
}
