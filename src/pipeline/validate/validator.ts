import type { Batch } from '../../model/batch.ts';
import type { Judged } from '../../model/delivery.ts';
import type { Judgement, JudgeTask } from '../../workers/pool.ts';

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
  readonly onSample: (schema: number, seconds: number) => void;
}

/** Sends batches to the worker threads and brings back what they say. Several batches are out at once; none waits for another. */
export class Validator {
  readonly #options: ValidatorOptions;
  #open = 0;

  constructor(options: ValidatorOptions) {
    this.#options = options;
  }

  /** Would another batch have to wait for a thread? */
  get busy(): boolean {
    return this.#open >= this.#options.judge.threads;
  }

  async judge({ slab }: Batch): Promise<Judged> {
    const { judge, catalog, topics, limits, onSample } = this.#options;
    this.#open += 1;
    try {
      const { rejects, keys, samples } = await judge.judge({ slab: slab.toWire(), count: slab.count, topics, catalog: catalog(), limits });
      for (const [schema, seconds] of samples) onSample(schema, seconds);
      return { rejects, keys: new Map(keys) };
    } finally {
      this.#open -= 1;
    }
  }
}
