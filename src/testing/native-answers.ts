import { loadJudge } from '../native/index.ts';
import { nativeAnswer } from '../native/surface.ts';
import { Catalog } from '../registry/catalog.ts';
import { compileInMemory, compileNative } from '../registry/compiler.ts';
import { noSchema } from '../workers/fault.ts';
import { judgeDocument } from '../workers/judge.ts';
import { nativeSetup } from '../workers/native-setup.ts';
import { defaultLimits, type JudgeLimits } from '../workers/read-json.ts';

export interface BothAnswers {
  readonly native: 'valid' | 'refused' | 'unsure';
  /** The other engine's error type, `valid` where it has none. */
  readonly js: string;
}

/** Both engines for one schema, side by side. A text instead: why the native engine does not take the schema. */
export function bothEngines(schema: object | boolean, limits: JudgeLimits = defaultLimits): ((document: Buffer) => BothAnswers) | string {
  const native = compileNative(schema);
  if ('declined' in native) return native.declined;
  const judge = loadJudge();
  if ('missing' in judge) throw new Error(judge.missing);
  const entry = { name: 'document', version: '1.0.0', module: '', native: null, digest: '', key: null };
  const catalog = judge.addon.open(
    nativeSetup({
      catalog: new Catalog({ revision: 0, entries: [entry], withdrawn: [] }),
      programs: [native.program],
      topics: [],
      limits,
    }),
  );
  const validate = compileInMemory(schema);
  const names = new Map(Object.entries(nativeAnswer).map(([name, number]) => [number as number, name as BothAnswers['native']]));
  return (document) => ({
    native: names.get(judge.addon.judgeDocument(catalog, document)) as BothAnswers['native'],
    js: judgeDocument(document, validate, noSchema, limits)?.error_type ?? 'valid',
  });
}
