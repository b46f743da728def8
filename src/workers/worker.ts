import { DataQuarantineError, type ErrorWire } from '../lib/errors.ts';
import { answer, Slab } from '../model/slab.ts';
import { FieldSampler } from './field-sampler.ts';
import { JudgeProgress } from './judge-progress.ts';
import { type LoadedCatalog, loadCatalog, loadSchemas } from './loaded-catalog.ts';
import { NativeJudge } from './native-judge.ts';
import { packRejects, type RejectColumns } from './reject-columns.ts';
import { SlabJudge } from './slab-judge.ts';
import type { Judgement, JudgeTask } from './task.ts';

/** What runs in the threads that judge. Nothing here may reach the Kafka client: it does not load in a thread. */

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

export async function judge(run: JudgeRun): Promise<JudgeAnswer> {
  try {
    const judgement = await judgeLoaded(run, await loadCatalog(run.catalog.manifest));
    return { judgement: { ...judgement, rejects: packRejects(judgement.rejects) } };
  } catch (error) {
    if (error instanceof DataQuarantineError) return { failure: error.toWire() };
    throw error;
  }
}

/** One a thread. */
const sampler = new FieldSampler();

/** A schema that no message of this thread has needed so far is loaded, and the batch judged anew: what it refers to is then there. */
async function judgeLoaded(run: JudgeRun, loaded: LoadedCatalog): Promise<Judgement> {
  const { topics, limits, absent, engine, producerHeaders, from, to } = run;
  const slab = Slab.attach(run.slab, run.count);
  const progress = new JudgeProgress(run.progress);
  const native = engine === 'native' ? NativeJudge.of({ loaded, topics, limits }) : null;
  const slabJudge = new SlabJudge({ slab, topics, loaded, limits, absent, progress, native });
  const judgement = slabJudge.judge(from, to);
  if (slabJudge.unloaded.size === 0) {
    // A batch that waits for its schemas is judged again, and looked at then.
    const looksAt = producerHeaders !== null && judgement.needs.length === 0;
    return { ...judgement, fields: looksAt ? sampled(slab, { from, to }, producerHeaders) : [] };
  }
  await loadSchemas(loaded, slabJudge.unloaded);
  slab.answers.fill(answer.pending, from, to);
  return judgeLoaded(run, loaded);
}

/** A sample is worth less than the verdicts that it comes with. */
function sampled(...look: Parameters<FieldSampler['sample']>): ReturnType<FieldSampler['sample']> {
  try {
    return sampler.sample(...look);
  } catch {
    return [];
  }
}

/** Answers as soon as a thread is up: why it has no native engine, null where it has. */
export function greet(): string | null {
  return NativeJudge.missing();
}
