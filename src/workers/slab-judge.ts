import { isJson } from '../lib/is-json.ts';
import type { Mended, Reject } from '../model/delivery.ts';
import type { Header } from '../model/header.ts';
import { answer, column, rowWords, type Slab } from '../model/slab.ts';
import type { ErrorType, Fault } from '../model/verdict.ts';
import { frameBytes, framedId, isFramed } from '../model/wire-frame.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import { needText, type SchemaNeed } from '../registry/schema-need.ts';
import { plainFault, type SchemaIdentity } from './fault.ts';
import type { JsonPath } from './json-path.ts';
import { judgeValue } from './judge.ts';
import type { JudgeProgress } from './judge-progress.ts';
import { keyText } from './key-text.ts';
import type { LoadedCatalog, LoadedSchema } from './loaded-catalog.ts';
import { mendValue } from './mend-value.ts';
import { isLeft, type NativeJudge, sampleEvery } from './native-judge.ts';
import { Flaw, type JudgeLimits, readJson } from './read-json.ts';
import type { Judgement, TopicRules } from './task.ts';

export interface SlabJudgeOptions {
  readonly slab: Slab;
  readonly topics: readonly TopicRules[];
  readonly loaded: LoadedCatalog;
  readonly limits: JudgeLimits;
  /** Needs that the schema registry, asked, could not meet. */
  readonly absent: readonly string[];
  readonly progress: JudgeProgress;
  /** Judges first, where there is one. */
  readonly native: NativeJudge | null;
}

/** Found before the value was read to its end, or without reading it. */
const leavesOpen: ReadonlySet<ErrorType> = new Set<ErrorType>(['too_deep', 'too_large']);
/** Kafka's own default for the largest message: few larger ones fit a dead letter, and parsing those may take all memory. */
const readBytesMax = 2 ** 20;
/** No registry has subjects of longer names; what messages may have asked for and remembered has a limit. */
const subjectNameMax = 1_024;

const encoder = new TextEncoder();

/**
 * Judges the messages of one slab, row by row. It writes each row's answer and schema number and collects what needs words.
 * No message can fail another: whatever is wrong with one becomes its own fault.
 */
export class SlabJudge {
  readonly #options: SlabJudgeOptions;
  readonly #rejects: Reject[] = [];
  readonly #keys: [number, Uint8Array][] = [];
  readonly #mended: Mended[] = [];
  readonly #samples: [number, number][] = [];
  readonly #needs = new Set<string>();
  readonly #unloaded = new Set<number>();
  readonly #absent: ReadonlySet<string>;
  #disagreements = 0;

  constructor(options: SlabJudgeOptions) {
    this.#options = options;
    this.#absent = new Set(options.absent);
  }

  /** Judges the rows from `from` up to and without `to`. */
  judge(from: number, to: number): Omit<Judgement, 'fields'> {
    const { slab, progress, native } = this.#options;
    const first = native?.judge(slab, progress, { from, to });
    if (first) this.#samples.push(...first.samples);
    if (first?.left !== 0) this.#judgeRows(from, to);
    return {
      rejects: this.#rejects,
      keys: this.#keys,
      samples: this.#samples,
      disagreements: this.#disagreements,
      ...(this.#mended.length > 0 && { mended: this.#mended }),
      needs: [...this.#needs],
    };
  }

  /** Schemas that some rows wait for and that this thread has yet to load: those rows have no answer. */
  get unloaded(): ReadonlySet<number> {
    return this.#unloaded;
  }

  /** The last word on the rows that the native judge left, on all where there is none. */
  #judgeRows(from: number, to: number): void {
    const { slab, progress, native } = this.#options;
    for (let row = from; row < to; row += 1) {
      const before = slab.answers[row];
      if (native && !isLeft(before)) continue;
      progress.enter(row);
      const sampled = row % sampleEvery === 0;
      const startedMs = sampled ? performance.now() : 0;
      const verdict = this.#judgeRow(row);
      if (verdict instanceof Lack) {
        if (typeof verdict.of === 'number') this.#unloaded.add(verdict.of);
        else this.#needs.add(needText(verdict.of));
        continue;
      }
      slab.schemas[row] = verdict.schema;
      slab.answers[row] = verdict.answer;
      if (native && before === answer.refused && verdict.fault === null && !this.#isFramed(row)) this.#disagreements += 1;
      if (verdict.fault) this.#rejects.push(this.#reject(row, verdict.fault));
      if (sampled && verdict.schema >= 0) this.#samples.push([verdict.schema, (performance.now() - startedMs) / 1000]);
    }
  }

  /** Whoever embeds the value must know whether it is JSON. Where the fault leaves that open, it is found out here, off the main thread. */
  #reject(row: number, fault: Fault): Reject {
    if (!leavesOpen.has(fault.error_type)) return { row, fault };
    const value = this.#options.slab.value(row) as Buffer;
    return value.length > readBytesMax ? { row, fault } : { row, fault, isJson: isJson(value) };
  }

  /** Does the value begin with an id of the schema registry? Then what follows it is the JSON. */
  #isFramed(row: number): boolean {
    const { slab, loaded } = this.#options;
    return loaded.catalog.hasRegistry && isFramed(slab.value(row) as Buffer);
  }

  #judgeRow(row: number): RowVerdict | Lack {
    const { slab, limits, loaded } = this.#options;
    const at = row * rowWords;
    const bytes = slab.rows[at + column.valueBytes] as number;
    if (bytes < 0) return tombstone;
    const headersBytes = slab.rows[at + column.headersBytes] as number;
    if (headersBytes > limits.headerBytes) {
      return faulty(plainFault('too_large', `expected at most ${limits.headerBytes} bytes of headers`));
    }
    const start = slab.rows[at + column.valueAt] as number;
    const framed = loaded.catalog.hasRegistry && this.#isFramed(row);
    const value = readJson(slab.bytes, framed ? start + frameBytes : start, start + bytes, limits);
    if (value instanceof Flaw) return faulty(plainFault(value.type, value.message, value.path));
    const id = framed ? framedId(slab.bytes, start) : null;
    const number = this.#schemaOf(row, value, id, headersBytes === 0 ? [] : slab.headers(row));
    if (number instanceof Lack) return number;
    if (typeof number !== 'number') return faulty(number);
    const schema = loaded.schemas[number];
    if (!schema) return new Lack(number);
    const fault = judgeValue(value, schema.validate, schema);
    if (fault) return this.#mend(row, number, fault);
    if (schema.key !== null)
      this.#takeKey(row, schema.key, value, () => (slab.value(row) as Buffer).toString('utf8', framed ? frameBytes : 0));
    return valid(number);
  }

  /** What does not fit its schema may be mended by the schema's own rules; it must then fit, and still be a message of that schema. */
  #mend(row: number, number: number, fault: Fault): RowVerdict {
    const { slab, loaded, limits } = this.#options;
    const schema = loaded.schemas[number] as LoadedSchema;
    if (!schema.remediation || fault.error_type !== 'schema_violation') return faulty(fault, number);
    const bytes = slab.value(row) as Buffer;
    const frame = bytes.subarray(0, this.#isFramed(row) ? frameBytes : 0);
    const id = frame.length > 0 ? framedId(frame, 0) : null;
    const mended = mendValue(bytes.subarray(frame.length), schema, limits);
    if (!mended || this.#schemaOf(row, mended.value, id, slab.headers(row)) !== number) return faulty(fault, number);
    // Copied into memory of its own, as the key is.
    const whole = new Uint8Array(Buffer.concat([frame, Buffer.from(mended.text)]));
    const { keepOriginal } = schema.remediation;
    this.#mended.push({ row, value: whole, rules: mended.rules, keepOriginal });
    if (schema.key !== null) this.#takeKey(row, schema.key, mended.value, () => mended.text);
    return valid(number);
  }

  /** The number of the schema that judges: headers win over the id before the value, that over members, those over the topic's default. */
  #schemaOf(row: number, value: unknown, id: number | null, headers: readonly Header[]): number | Fault | Lack {
    const rules = this.#options.topics[this.#options.slab.topic(row)] as TopicRules;
    const headerName = lastText(headers, 'dq.schema');
    if (id !== null && headerName === null) return this.#findId(id, rules);
    const memberName = memberOf(value, '_schema');
    const name = headerName ?? memberName ?? rules.schema;
    if (name === null) return plainFault('schema_missing', 'expected a schema to be named by the message or for its topic');
    // A version in the value speaks of the schema in the value: it says nothing where a header names another one.
    const sameSubject = headerName === null || memberName === null || memberName === headerName;
    const headerVersion = lastText(headers, 'dq.schema.version');
    const version = headerVersion ?? (sameSubject ? memberOf(value, '_schema_version') : null);

    return this.#find(name, version, rules, {
      name: headerName === null && memberName !== null ? ['_schema'] : null,
      version: headerVersion === null ? ['_schema_version'] : null,
    });
  }

  /** Looks a reference up; `paths` say where its parts stand in the value, if they do. */
  #find(name: unknown, version: unknown, rules: TopicRules, paths: ReferencePaths): number | Fault | Lack {
    const { catalog } = this.#options.loaded;
    const newest = typeof name === 'string' ? catalog.find(name, null) : -1;
    if (typeof name === 'string' && passes(rules, name) && (newest < 0 || typeof version === 'string')) {
      const need = { name, version: typeof version === 'string' ? version : null };
      if (catalog.find(need.name, need.version) < 0 && this.#mayBeMet(need)) return new Lack(need);
    }
    if (typeof name !== 'string' || newest < 0) return plainFault('schema_not_found', 'expected the name of a known schema', paths.name);
    const identity: SchemaIdentity = { name, version: null };
    if (!passes(rules, name)) return plainFault('schema_not_found', 'expected a schema that this topic allows', paths.name, identity);
    if (version === null) return newest;
    const number = typeof version === 'string' ? catalog.find(name, version) : -1;
    if (number >= 0) return number;
    return plainFault('schema_not_found', `expected a known version of the schema ${name}`, paths.version, identity);
  }

  #findId(id: number, rules: TopicRules): number | Fault | Lack {
    const { catalog } = this.#options.loaded;
    const numbers = catalog.numbersOf(id);
    const nameOf = (number: number) => (catalog.entry(number) as CatalogEntry).name;
    const allowed = numbers.filter((number) => passes(rules, nameOf(number)));
    // Equal schemas of several subjects have one id: the topic's own subject is meant before others.
    const number = allowed.find((candidate) => nameOf(candidate) === rules.schema) ?? allowed[0];
    if (number !== undefined) return number;
    if (numbers.length > 0) return plainFault('schema_not_found', 'expected the id of a schema that this topic allows');
    if (this.#mayBeMet({ id })) return new Lack({ id });
    return plainFault('schema_not_found', 'expected an id under which the schema registry has a JSON Schema');
  }

  /** Is there a registry that has not been asked for it? */
  #mayBeMet(need: SchemaNeed): boolean {
    if (!this.#options.loaded.catalog.hasRegistry || ('name' in need && need.name.length > subjectNameMax)) return false;
    return !this.#absent.has(needText(need));
  }

  #takeKey(row: number, pointer: readonly string[], value: unknown, source: () => string): void {
    if ((this.#options.slab.rows[row * rowWords + column.keyBytes] as number) >= 0) return;
    const text = keyText(value, pointer, source);
    // Encoded into memory of its own: a pooled Buffer would cross the threads with its whole pool.
    if (text !== null) this.#keys.push([row, encoder.encode(text)]);
  }
}

/** Instead of a verdict: the row must be judged again, when the registry has been asked or the schema of that number is loaded. */
class Lack {
  readonly of: SchemaNeed | number;

  constructor(of: SchemaNeed | number) {
    this.of = of;
  }
}

interface ReferencePaths {
  readonly name: JsonPath | null;
  readonly version: JsonPath | null;
}

interface RowVerdict {
  readonly answer: number;
  readonly schema: number;
  readonly fault: Fault | null;
}

const tombstone: RowVerdict = { answer: answer.tombstone, schema: -1, fault: null };

function valid(schema: number): RowVerdict {
  return { answer: answer.valid, schema, fault: null };
}

function faulty(fault: Fault, schema = -1): RowVerdict {
  return { answer: answer.faulty, schema, fault };
}

/** The last header of that name as text; null where there is none. A header without a value names nothing that could be found. */
function lastText(headers: readonly Header[], name: string): string | null {
  const header = headers.findLast((candidate) => candidate.name === name);
  return header ? (header.value?.toString() ?? '') : null;
}

/** A member of a top-level object; null where there is none. */
function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? ((value as Record<string, unknown>)[name] ?? null) : null;
}

/** A strict topic without a default and without a list has nothing to be strict about. */
function passes({ schema, allowed, strict }: TopicRules, name: string): boolean {
  if (!strict || (schema === null && allowed === null)) return true;
  return name === schema || (allowed?.includes(name) ?? false);
}
