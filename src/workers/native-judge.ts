import { answer, type Slab } from '../model/slab.ts';
import { loadJudge } from '../native/index.ts';
import { type JudgeAddon, type NativeCatalog, nativeAnswer } from '../native/surface.ts';
import { Catalog } from '../registry/catalog.ts';
import type { JudgeProgress } from './judge-progress.ts';
import type { LoadedCatalog } from './loaded-catalog.ts';
import { nativeSetup } from './native-setup.ts';
import type { JudgeLimits } from './read-json.ts';
import type { TopicRules } from './task.ts';

export interface NativeJudgeOptions {
  readonly loaded: LoadedCatalog;
  readonly topics: readonly TopicRules[];
  readonly limits: JudgeLimits;
}

/** One message in this many is timed, by cc/judge.cc too: enough for a histogram, too few to be felt. */
export const sampleEvery = 256;

/**
 * The native engine over the rows of a slab. It only ever says yes: what it does not accept stays `pending` or `refused` in the slab, for
 * the other engine to judge. Belongs to one catalog with one set of rules and limits; kept for the next batch, since opening takes a while.
 */
export class NativeJudge {
  readonly #addon: JudgeAddon;
  readonly #catalog: NativeCatalog;

  private constructor(addon: JudgeAddon, catalog: NativeCatalog) {
    this.#addon = addon;
    this.#catalog = catalog;
  }

  /** Why this thread judges without it; null where it does not. */
  static missing(): string | null {
    const judge = (addonOfThread ??= loadJudge());
    return 'missing' in judge ? judge.missing : null;
  }

  /** The judge of that catalog in this thread; null where the addon does not load. */
  static of({ loaded, topics, limits }: NativeJudgeOptions): NativeJudge | null {
    const judge = (addonOfThread ??= loadJudge());
    if ('missing' in judge) return null;
    const rules = JSON.stringify([topics, limits]);
    const known = judges.get(loaded);
    if (known?.rules === rules) return known.judge;
    const setup = nativeSetup({ catalog: loaded.catalog, programs: loaded.programs, topics, limits });
    const opened = new NativeJudge(judge.addon, judge.addon.open(setup));
    judges.set(loaded, { rules, judge: opened });
    return opened;
  }

  /** Judges the rows from `from` up to and without `to`. Returns how many are left, and the samples of those that are not. */
  judge(slab: Slab, progress: JudgeProgress, { from, to }: { from: number; to: number }): { left: number; samples: [number, number][] } {
    const samples = new Float64Array(3 + 2 * Math.ceil((to - from) / sampleEvery));
    const { rows, bytes, answers, schemas } = slab;
    const left = this.#addon.judge(this.#catalog, { rows, bytes, answers, schemas, progress: progress.words, samples }, from, to);
    const pairs = Array.from({ length: samples[0] as number }, (_, at): [number, number] => [
      samples[2 * at + 1] as number,
      samples[2 * at + 2] as number,
    ]);
    return { left, samples: pairs };
  }
}

/**
 * Says of a document whether the schema of that program takes it: true is for sure, false means that the other engine must say. A text
 * instead: why there is no such judge here.
 */
export function nativeDocumentJudge(program: string, limits: JudgeLimits): ((document: Uint8Array) => boolean) | string {
  const judge = (addonOfThread ??= loadJudge());
  if ('missing' in judge) return judge.missing;
  const { addon } = judge;
  const entry = { name: 'document', version: '1.0.0', module: '', native: null, digest: '', key: null };
  const catalog = addon.open(
    nativeSetup({
      catalog: new Catalog({ revision: 0, entries: [entry], withdrawn: [] }),
      programs: [program],
      topics: [],
      limits,
    }),
  );
  return (document) => addon.judgeDocument(catalog, document) === nativeAnswer.valid;
}

let addonOfThread: ReturnType<typeof loadJudge> | null = null;
const judges = new WeakMap<LoadedCatalog, { readonly rules: string; readonly judge: NativeJudge }>();

/** Has another engine the last word on a row with this answer? */
export function isLeft(rowAnswer: number | undefined): boolean {
  return rowAnswer === answer.pending || rowAnswer === answer.refused;
}
