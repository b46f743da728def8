import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../model/verdict.ts';
import type { Remediation } from '../registry/remediation.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { noSchema } from '../workers/fault.ts';
import { judgeDocument } from '../workers/judge.ts';
import { mendValue } from '../workers/mend-value.ts';
import { defaultLimits } from '../workers/read-json.ts';

/** What the folder of an example says of it: `examples/good`, `bad` and `remediable` beside the versions of a schema. */
export const exampleKinds = ['good', 'bad', 'remediable'] as const;
export type ExampleKind = (typeof exampleKinds)[number];

/** A schema version that can judge, null where it does not compile. */
export interface ExampleJudge {
  readonly place: { readonly name: string; readonly version: string };
  readonly validate: ValidateFunction | null;
  /** Tried whether it is enabled or not. */
  readonly remediation: Remediation | null;
}

/** What became of an example. */
export interface ExampleResult<Judge> {
  readonly file: string;
  readonly kind: ExampleKind;
  readonly judge: Judge;
  /** Null: it is valid. */
  readonly fault: Fault | null;
  /** The rules after which a bad one fits, null where they do not help. */
  readonly remediated: readonly string[] | null;
}

/** Did it come out as its folder says? */
export function isAsWanted({ kind, fault, remediated }: ExampleResult<unknown>): boolean {
  if (kind === 'remediable') return remediated !== null;
  return kind === 'good' ? fault === null : fault !== null;
}

/** What is wrong with an example that did not come out as its folder says. */
export function complaintOf({ kind, fault }: ExampleResult<unknown>): string {
  if (!fault) return 'expected a document that is refused, but it is valid';
  const what = kind === 'remediable' ? 'expected a document that remediation mends, but it stays bad: ' : '';
  return `${what}${fault.error_type}${fault.field_path ? ` at ${fault.field_path}` : ''}: ${fault.error_message}`;
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
      const fault = judgeDocument(document, judge.validate, noSchema, defaultLimits);
      results.push({ file, kind, judge, fault, remediated: fault && rulesThatMend(document, judge) });
    }
  }
  return results;
}

function rulesThatMend(document: Buffer, { place, validate, remediation }: ExampleJudge): readonly string[] | null {
  if (!validate || !remediation) return null;
  return mendValue(document, { name: place.name, version: place.version, validate, remediation }, defaultLimits)?.rules ?? null;
}

function judgeOf<Judge extends ExampleJudge>(document: Buffer, versions: readonly Judge[]): Judge | undefined {
  const named = /"_schema_version"\s*:\s*"([^"]*)"/.exec(document.toString())?.[1];
  const usable = versions.filter(({ validate }) => validate !== null);
  return usable.find(({ place }) => place.version === named) ?? usable.at(-1);
}
