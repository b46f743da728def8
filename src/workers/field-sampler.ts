import { answer, type Slab } from '../model/slab.ts';
import { frameBytes, isFramed } from '../model/wire-frame.ts';

/** How often a field was seen with a type, by schema version and producer. No value of a payload is in it. */
export interface FieldCount {
  readonly schema: number;
  /** Empty where the message does not say. */
  readonly producer: string;
  /** JSON Pointer with indexes, and names of members that look like keys of a map, as `*`; empty for the message itself. */
  readonly path: string;
  readonly type: FieldType;
  readonly messages: number;
}

export type FieldType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

/** A message of some hundred bytes costs twenty microseconds here: so many a second are less than half a percent of a thread, however fast the topic is. */
const samplesPerSecond = 200;
const sampleBytes = 2_048;
const depthMax = 8;
const itemsMax = 16;
/** More members than anybody plans, or longer names, are data. */
const membersMax = 64;
const nameMax = 64;
const producerMax = 128;
const countsMax = 2_000;

/** Looks at a few of the valid messages that a thread has judged: all of them on a quiet topic, evenly spread ones on a busy one. */
export class FieldSampler {
  #tokens = samplesPerSecond;
  readonly #now: () => number;
  #filledMs: number;

  /** `now` gives milliseconds that only go forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#filledMs = now();
  }

  /** What some of the rows from `from` to `to` hold. The first of the headers that is there names the producer. */
  sample(slab: Slab, { from, to }: { from: number; to: number }, headers: readonly string[]): FieldCount[] {
    const nowMs = this.#now();
    this.#tokens = Math.min(samplesPerSecond, this.#tokens + ((nowMs - this.#filledMs) * samplesPerSecond) / 1_000);
    this.#filledMs = nowMs;
    const wanted = Math.min(Math.floor(this.#tokens), to - from);
    if (wanted < 1) return [];
    const counts = new Map<string, { -readonly [Key in keyof FieldCount]: FieldCount[Key] }>();
    for (let turn = 0; turn < wanted && this.#tokens > 0; turn++) {
      const row = from + Math.floor((turn * (to - from)) / wanted);
      const schema = slab.schemas[row] as number;
      if (slab.answers[row] !== answer.valid || schema < 0) continue;
      this.#tokens -= Math.max(1, slab.valueBytes(row) / sampleBytes);
      const producer = producerOf(slab, row, headers);
      for (const field of fieldsOf(valueOf(slab, row))) {
        const at = field.lastIndexOf(' ');
        const key = `${schema}\n${producer}\n${field}`;
        const known = counts.get(key);
        if (known) known.messages += 1;
        else if (counts.size < countsMax)
          counts.set(key, { schema, producer, path: field.slice(0, at), type: field.slice(at + 1) as FieldType, messages: 1 });
      }
    }
    return [...counts.values()];
  }
}

function valueOf(slab: Slab, row: number): unknown {
  const value = slab.value(row) as Buffer;
  return JSON.parse(value.toString('utf8', isFramed(value) ? frameBytes : 0)) as unknown;
}

function producerOf(slab: Slab, row: number, names: readonly string[]): string {
  const found = slab.headers(row);
  const named = names.find((name) => found.some((candidate) => candidate.name === name));
  const header = found.findLast((candidate) => candidate.name === named);
  // Neither a NUL nor half of a surrogate pair can be kept in a database's text.
  return (header?.value?.toString() ?? '').slice(0, producerMax).replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd');
}

/** `PATH TYPE` of all that a message holds, each once. */
function fieldsOf(root: unknown): Set<string> {
  const fields = new Set<string>();
  walk(root, '', 0, fields);
  return fields;
}

function walk(value: unknown, path: string, depth: number, fields: Set<string>): void {
  fields.add(`${path} ${typeOf(value)}`);
  if (typeof value !== 'object' || value === null || depth === depthMax) return;
  if (Array.isArray(value)) {
    for (const item of value.slice(0, itemsMax)) walk(item, `${path}/*`, depth + 1, fields);
    return;
  }
  const names = Object.keys(value);
  for (const name of names.slice(0, membersMax)) {
    const segment = names.length > membersMax ? '*' : segmentOf(name);
    walk((value as Record<string, unknown>)[name], `${path}/${segment}`, depth + 1, fields);
  }
}

/** Numbers, addresses, and long hexadecimal ids. */
const likeData = /^\d+$|@|^[\da-f-]{16,}$/i;

function segmentOf(name: string): string {
  if (name.length > nameMax || likeData.test(name)) return '*';
  return name
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
    .replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd');
}

function typeOf(value: unknown): FieldType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as FieldType;
}
