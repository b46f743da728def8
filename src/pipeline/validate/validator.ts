import type { Batch } from '../../model/batch.ts';
import type { Judged, Reject } from '../../model/delivery.ts';
import { answer, Slab } from '../../model/slab.ts';
import { plainFault } from '../../workers/fault.ts';
import type { FieldCount, Judgement, JudgeTask } from '../../workers/pool.ts';
import type { InHand, Suspect } from './in-hand.ts';
import { type OffsetRange, rangeOf, rangesOf } from './offset-range.ts';

export interface Judge {
  judge(task: JudgeTask): Promise<Judgement>;
  readonly threads: number;
}

export interface ValidatorOptions {
  readonly judge: Judge;
  /** The catalog that the next batch is judged against. */
  readonly catalog: () => JudgeTask['catalog'];
  /** Rules of each source topic, in the order of the batches' topics. */
  readonly topics: JudgeTask['topics'];
  readonly limits: JudgeTask['limits'];
  /** Has the schema registry asked for what messages need, as long as that takes. Returns the needs that it cannot meet. */
  readonly ask: (needs: readonly string[]) => Promise<readonly string[]>;
  /** Needs that are known to be absent for now. */
  readonly absent: () => readonly string[];
  /** Finds what kills the process; null where nothing may be written. */
  readonly inHand: Pick<InHand, 'suspectsOf' | 'hold' | 'clear'> | null;
  readonly engine: JudgeTask['engine'];
  readonly producerHeaders: JudgeTask['producerHeaders'];
  /** Told what a few valid messages hold. */
  readonly onFields: (fields: readonly FieldCount[]) => void;
  readonly onSample: (schema: number, seconds: number) => void;
  /** So many messages were refused by the native engine, wrongly and without consequence. */
  readonly onDisagreement: (messages: number) => void;
}

/**
 * Sends batches to the worker threads and brings back what they say. Several batches are out at once; none waits for another, unless a
 * suspect is among them: a message that was in hand when processes died is judged with nothing else in hand.
 */
export class Validator {
  readonly #options: ValidatorOptions;
  #open = 0;
  /** All that is out, for a suspect to wait for, and the last suspect, for all others to wait for. */
  readonly #out = new Set<Promise<unknown>>();
  #alone: Promise<unknown> = Promise.resolve();

  constructor(options: ValidatorOptions) {
    this.#options = options;
  }

  /** Would another batch have to wait for a thread? */
  get busy(): boolean {
    return this.#open >= this.#options.judge.threads;
  }

  async judge(batch: Batch): Promise<Judged> {
    const { inHand, onFields, onSample, onDisagreement } = this.#options;
    this.#open += 1;
    try {
      const suspects = inHand?.suspectsOf(batch) ?? [];
      const parts = suspects.length === 0 ? [await this.#inCompany(batch)] : await this.#withSuspects(batch, suspects);
      const disagreements = parts.reduce((sum, part) => sum + part.disagreements, 0);
      if (disagreements > 0) onDisagreement(disagreements);
      for (const { fields } of parts) if (fields.length > 0) onFields(fields);
      for (const [schema, seconds] of parts.flatMap(({ samples }) => samples)) onSample(schema, seconds);
      const mended = parts.flatMap((part) => part.mended ?? []);
      return {
        rejects: parts.flatMap(({ rejects }) => rejects),
        keys: new Map(parts.flatMap(({ keys }) => keys)),
        ...(mended.length > 0 && { mended: new Map(mended.map((message) => [message.row, message])) }),
      };
    } finally {
      this.#open -= 1;
    }
  }

  async #inCompany(batch: Batch): Promise<Judgement> {
    await this.#alone;
    const running = this.#run(batch, { range: { from: 0, to: batch.slab.count }, held: rangesOf(batch), isAlone: false });
    this.#out.add(running);
    try {
      return await running;
    } finally {
      this.#out.delete(running);
    }
  }

  /** One message at a time, and nothing else meanwhile: whatever dies now, it was that one. */
  async #withSuspects(batch: Batch, suspects: readonly Suspect[]): Promise<Judgement[]> {
    const guilty = new Set(suspects.filter(({ isGuilty }) => isGuilty).map(({ row }) => row));
    const turn = this.#alone.then(async () => {
      await Promise.allSettled(this.#out);
      await this.#warmUp();
      const parts: Judgement[] = [];
      for (let row = 0; row < batch.slab.count; row++)
        parts.push(guilty.has(row) ? condemn(batch, row) : await this.#run(batch, aloneOf(batch, row)));
      this.#options.inHand?.clear(rangesOf(batch));
      return parts;
    });
    this.#alone = turn.catch(() => {});
    return turn;
  }

  /** While the registry is away a message that needs it waits here; its slab is out meanwhile, which is what stops consumption in the end. */
  async #run(batch: Batch, run: Run): Promise<Judgement> {
    let absent = this.#options.absent();
    let judgement = await this.#runOnce(batch, run, absent);
    while (judgement.needs.length > 0) {
      absent = [...absent, ...(await this.#options.ask(judgement.needs))];
      batch.slab.answers.fill(answer.pending, run.range.from, run.range.to);
      judgement = await this.#runOnce(batch, run, absent);
    }
    return judgement;
  }

  async #runOnce({ slab }: Batch, { range, held, isAlone }: Run, absent: readonly string[]): Promise<Judgement> {
    const { judge, catalog, topics, limits, engine, producerHeaders, inHand } = this.#options;
    const letGo = await inHand?.hold(held, isAlone);
    try {
      return await judge.judge({
        slab: slab.toWire(),
        count: slab.count,
        range,
        topics,
        catalog: catalog(),
        limits,
        absent,
        engine,
        producerHeaders,
      });
    } finally {
      const written = letGo?.();
      // Whoever comes next must not find this one in hand beside it.
      if (isAlone) await written;
    }
  }

  /** Has every thread judge a message that nobody blames: what ends the process while threads start and load is not the suspect's doing. */
  async #warmUp(): Promise<void> {
    const { judge, catalog, topics, limits, engine, absent } = this.#options;
    const judged = Array.from({ length: judge.threads }, () => {
      const slab = Slab.allocate(1, harmless.length);
      slab.append({ offset: 0, timestamp: 0, partition: 0, topic: 0, epoch: 0, value: harmless, key: null, headers: [] });
      const range = { from: 0, to: 1 };
      return judge.judge({
        slab: slab.toWire(),
        count: 1,
        range,
        topics,
        catalog: catalog(),
        limits,
        absent: absent(),
        engine,
        producerHeaders: null,
      });
    });
    await Promise.all(judged);
  }
}

const harmless = Buffer.from('{}');

interface Run {
  readonly range: JudgeTask['range'];
  readonly held: readonly OffsetRange[];
  /** Was all else kept from being judged meanwhile? A batch of one message, among others, says nothing of that message. */
  readonly isAlone: boolean;
}

function aloneOf(batch: Batch, row: number): Run {
  return { range: { from: row, to: row + 1 }, held: [rangeOf(batch, row)], isAlone: true };
}

function condemn({ slab }: Batch, row: number): Judgement {
  slab.answers[row] = answer.faulty;
  slab.schemas[row] = -1;
  const fault = plainFault(
    'validator_error',
    'the process that judged this message ended, three times, with nothing else in hand; it was not judged',
  );
  const reject: Reject = { row, fault };
  return { rejects: [reject], keys: [], samples: [], disagreements: 0, needs: [], fields: [] };
}
