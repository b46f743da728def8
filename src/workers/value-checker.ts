import { type Header, packedBytes } from '../model/header.ts';
import { answer, Slab } from '../model/slab.ts';
import type { Fault } from '../model/verdict.ts';
import type { Registry } from '../registry/registry.ts';
import type { WorkerPool } from './pool.ts';
import type { JudgeLimits } from './read-json.ts';
import type { TopicRules } from './task.ts';

/** Threads and schemas. */
export interface Judges {
  readonly pool: Pick<WorkerPool, 'judge'>;
  readonly registry: Pick<Registry, 'reference' | 'catalog' | 'absent' | 'ask'>;
}

export interface ValueCheckerOptions {
  /** Asked when there is something to judge: who never does needs no threads. */
  readonly judges: () => Promise<Judges>;
  /** The rules of a source topic. */
  readonly rulesOf: (topic: string) => TopicRules;
  readonly limits: JudgeLimits;
}

/** A message to judge as the pipeline would. */
export interface Checkable {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly headers: readonly Header[];
  readonly value: Buffer;
  /** To be judged by this schema version, whatever the message says of itself. */
  readonly schema?: { readonly name: string; readonly version: string } | undefined;
}

export interface Checked {
  /** Null: it is valid. */
  readonly fault: Fault | null;
  /** The schema that judged, null where none did. */
  readonly schema: { readonly name: string; readonly version: string } | null;
  /** The key that its schema takes from a keyless message. */
  readonly key: Buffer | null;
  /** The rules of its schema that mended it, as `name@version`: it is valid with these alone. */
  readonly mendedBy: readonly string[];
}

const rowsMax = 512;
const bytesMax = 8 * 2 ** 20;

/** Judges messages outside of the pipeline: with its threads, its schemas, its limits and its rules for topics. */
export class ValueChecker {
  readonly #options: ValueCheckerOptions;

  constructor(options: ValueCheckerOptions) {
    this.#options = options;
  }

  /** The verdicts in the order of the messages. Throws only where the threads or the schemas fail. */
  async check(messages: readonly Checkable[]): Promise<Checked[]> {
    const checked: Checked[] = [];
    for (let from = 0, to = 0; from < messages.length; from = to) {
      let bytes = 0;
      while (to < messages.length && to - from < rowsMax && (to === from || bytes < bytesMax))
        bytes += bytesOf(messages[to++] as Checkable);
      checked.push(...(await this.#checkSome(messages.slice(from, to), bytes)));
    }
    return checked;
  }

  async #checkSome(messages: readonly Checkable[], bytes: number): Promise<Checked[]> {
    const { judges, rulesOf, limits } = this.#options;
    const { pool, registry } = await judges();
    const topics = [...new Set(messages.map(({ topic }) => topic))];
    const slab = Slab.allocate(messages.length, bytes);
    for (const [row, message] of messages.entries()) {
      const place = { offset: row, timestamp: 0, partition: 0, topic: topics.indexOf(message.topic), epoch: 0 };
      slab.append({ ...place, key: message.key, headers: headersOf(message), value: message.value });
    }
    const judge = (absent: readonly string[]) =>
      pool.judge({
        slab: slab.toWire(),
        count: messages.length,
        range: { from: 0, to: messages.length },
        topics: topics.map(rulesOf),
        catalog: registry.reference(),
        limits,
        // A message that kills native code would end the service at every look at it: quarantine may hold one, and so may topics of others.
        engine: 'js',
        absent,
        producerHeaders: null,
      });
    let absent = registry.absent();
    let judgement = await judge(absent);
    while (judgement.needs.length > 0) {
      absent = [...absent, ...(await registry.ask(judgement.needs))];
      slab.answers.fill(answer.pending, 0, messages.length);
      judgement = await judge(absent);
    }
    const { rejects, keys, mended } = judgement;
    const catalog = registry.catalog();
    const faults = new Map(rejects.map(({ row, fault }) => [row, fault]));
    const keysByRow = new Map(keys);
    const mendings = new Map((mended ?? []).map(({ row, rules }) => [row, rules]));
    return messages.map((_, row) => {
      const entry = slab.answers[row] === answer.valid || faults.has(row) ? catalog.entry(slab.schemas[row] ?? -1) : null;
      const key = keysByRow.get(row);
      return {
        fault: faults.get(row) ?? null,
        schema: entry && { name: entry.name, version: entry.version },
        key: key ? Buffer.from(key) : null,
        mendedBy: mendings.get(row) ?? [],
      };
    });
  }
}

/** Headers name the schema with the last word. */
function headersOf({ headers, schema }: Checkable): readonly Header[] {
  if (!schema) return headers;
  const named = { 'dq.schema': schema.name, 'dq.schema.version': schema.version };
  return [
    ...headers.filter(({ name }) => !Object.hasOwn(named, name)),
    ...Object.entries(named).map(([name, text]) => ({ name, value: Buffer.from(text) })),
  ];
}

function bytesOf(message: Checkable): number {
  return message.value.length + (message.key?.length ?? 0) + packedBytes(headersOf(message));
}
