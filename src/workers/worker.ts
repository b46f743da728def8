import { DataQuarantineError, type ErrorWire } from '../lib/errors.ts';
import { Slab } from '../model/slab.ts';
import { type Compilation, compileSchema } from '../registry/compiler.ts';
import { JudgeProgress } from './judge-progress.ts';
import { loadCatalog } from './loaded-catalog.ts';
import { NativeJudge } from './native-judge.ts';
import { packRejects, type RejectColumns } from './reject-columns.ts';
import { SlabJudge } from './slab-judge.ts';
import type { Judgement, JudgeTask } from './task.ts';

/** What runs in the threads of the pool. Nothing here may reach the Kafka client: it does not load in a thread. */

/** A judge task with the rows that this run is about. */
export interface JudgeRun extends JudgeTask {
  readonly from: number;
  readonly to: number;
  readonly progress: SharedArrayBuffer;
}

/** An error would arrive without its class and code, so it travels as a value. */
export type JudgeAnswer = { readonly judgement: JudgementWire } | { readonly failure: ErrorWire };

/** A judgement with its rejects in columns. */
export interface JudgementWire extends Omit<Judgement, 'rejects'> {
  readonly rejects: RejectColumns;
}

export async function judge({ slab, count, topics, catalog, limits, absent, engine, from, to, progress }: JudgeRun): Promise<JudgeAnswer> {
  try {
    const loaded = await loadCatalog(catalog.manifest);
    const slabJudge = new SlabJudge({
      slab: Slab.attach(slab, count),
      topics,
      loaded,
      limits,
      absent,
      progress: new JudgeProgress(progress),
      native: engine === 'native' ? NativeJudge.of({ loaded, topics, limits }) : null,
    });
    const judgement = slabJudge.judge(from, to);
    return { judgement: { ...judgement, rejects: packRejects(judgement.rejects) } };
  } catch (error) {
    if (error instanceof DataQuarantineError) return { failure: error.toWire() };
    throw error;
  }
}

export function compile(schema: unknown): Compilation {
  return compileSchema(schema);
}

/** Answers as soon as a thread is up. */
export function greet(): true {
  return true;
}
