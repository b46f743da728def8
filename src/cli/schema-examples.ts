import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../model/verdict.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { noSchema } from '../workers/fault.ts';
import { judgeDocument } from '../workers/judge.ts';
import { defaultLimits } from '../workers/read-json.ts';

/** What the folder of an example says of it: `examples/good` and `examples/bad` beside the versions of a schema. */
export const exampleKinds = ['good', 'bad'] as const;
export type ExampleKind = (typeof exampleKinds)[number];

/** A schema version that can judge, null where it does not compile. */
export interface ExampleJudge {
  readonly place: { readonly version: string };
  readonly validate: ValidateFunction | null;
}

/** What became of an example. */
export interface ExampleResult<Judge> {
  readonly file: string;
  readonly kind: ExampleKind;
  readonly judge: Judge;
  /** Null: it is valid. */
  readonly fault: Fault | null;
}

/** Did it come out as its folder says? */
export function isAsWanted({ kind, fault }: ExampleResult<unknown>): boolean {
  return kind === 'good' ? fault === null : fault !== null;
}

/** What is wrong with an example that did not come out as its folder says. */
export function complaintOf({ fault }: ExampleResult<unknown>): string {
  if (!fault) return 'expected a document that is refused, but it is valid';
  return `${fault.error_type}${fault.field_path ? ` at ${fault.field_path}` : ''}: ${fault.error_message}`;
}

/** Judges the examples in the folder of a schema, each by the version that it names, or else by the newest one that compiles. */
export async function judgeExamples<Judge extends ExampleJudge>(
  folder: string,
  versions: readonly Judge[],
): Promise<readonly ExampleResult<Judge>[]> {
  const results: ExampleResult<Judge>[] = [];
  for (const kind of exampleKinds) {
    const inner = join(folder, 'examples', kind);
    const files = await readdir(inner).catch(() => []);
    for (const name of files.filter((candidate) => candidate.endsWith('.json')).sort()) {
      const file = join(inner, name);
      const document = await readFile(file);
      const judge = judgeOf(document, versions);
      if (!judge?.validate) continue;
      results.push({ file, kind, judge, fault: judgeDocument(document, judge.validate, noSchema, defaultLimits) });
    }
  }
  return results;
}

function judgeOf<Judge extends ExampleJudge>(document: Buffer, versions: readonly Judge[]): Judge | undefined {
  const named = /"_schema_version"\s*:\s*"([^"]*)"/.exec(document.toString())?.[1];
  const usable = versions.filter(({ validate }) => validate !== null);
  return usable.find(({ place }) => place.version === named) ?? usable.at(-1);
}
