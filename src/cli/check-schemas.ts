import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import type { CompatibilityMode } from '../model/compatibility-mode.ts';
import { type Compatibility, type CompatibilityFinding, compareSchemas } from '../registry/compatibility/compare-schemas.ts';
import { compileInMemory, compileSchema, lintSchema, schemaInvalid } from '../registry/compiler.ts';
import type { Remediation } from '../registry/remediation.ts';
import { compileRules, withRules } from '../registry/rules.ts';
import type { SchemaFile } from '../registry/schema-file.ts';
import { listSchemas, parseAt, type SchemaPlace } from '../registry/schema-folder.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { mayBreakBetween } from '../registry/version-step.ts';
import { placeIn } from './diff-schemas.ts';
import { complaintOf, isAsWanted, judgeExamples } from './schema-examples.ts';

/** Something that a check found: errors make a schema bad, warnings do not. The text begins with its place where it has one. */
export interface SchemaIssue {
  readonly level: 'error' | 'warning';
  readonly rule: string;
  readonly text: string;
}

/** How a version follows an earlier one of the same schema. */
export interface VersionStep extends Compatibility {
  readonly from: string;
  /** Semantic versioning lets this step break: a new major version, or a new minor one before 1.0.0. */
  readonly may_break: boolean;
  /** `FILE:LINE:COLUMN` of a finding, in the version that refuses. */
  readonly placeOf: (finding: CompatibilityFinding) => string;
}

/** What a check says of one schema version. */
export interface SchemaReport {
  readonly name: string;
  readonly version: string;
  readonly owner: string | null;
  readonly file: string;
  readonly issues: readonly SchemaIssue[];
  /** Examples that were judged by this version. */
  readonly examples: number;
  readonly compatibility: readonly VersionStep[];
}

interface Checked {
  readonly place: SchemaPlace;
  readonly file: SchemaFile | null;
  readonly validate: ValidateFunction | null;
  readonly remediation: Remediation | null;
  readonly issues: SchemaIssue[];
  readonly steps: VersionStep[];
  examples: number;
}

export function problemsOf({ issues }: SchemaReport): string[] {
  return issues.filter(({ level }) => level === 'error').map(({ text }) => text);
}

/** Loads and compiles every schema version of a folder, lints it, judges its examples, and compares it with the versions before. */
export async function checkSchemas(dir: string, mode: CompatibilityMode): Promise<readonly SchemaReport[]> {
  const { places } = await listSchemas(dir);
  const checked: Checked[] = [];
  for (const place of places) checked.push(await checkFile(place));
  for (const name of new Set(places.map((place) => place.name))) {
    const versions = checked.filter(({ place }) => place.name === name);
    await checkExamples(join(dir, name), versions);
    checkSteps(versions, mode);
  }
  return checked.map(({ place, file, issues, examples, steps }) => {
    const owner = file?.owner ?? null;
    return { name: place.name, version: place.version, owner, file: place.path, issues, examples, compatibility: steps };
  });
}

async function checkFile(place: SchemaPlace): Promise<Checked> {
  const checked = { place, issues: [] as SchemaIssue[], steps: [], examples: 0 };
  try {
    const file = parseAt(await readFile(place.path, 'utf8'), place);
    const compilation = compileSchema(file.schema);
    if ('problem' in compilation) throw schemaInvalid(compilation.problem, file.placeOf(compilation.problem.pointer));
    checked.issues.push(
      ...lintSchema(file.schema).map((text) => ({ level: 'warning' as const, rule: 'lint', text: `${place.path}: ${text}` })),
    );
    return { ...checked, file, remediation: file.remediation, validate: withRules(compileInMemory(file.schema), compileRules(file.rules)) };
  } catch (error) {
    const text = error instanceof DataQuarantineError ? error.message : `${place.path}: ${messageOf(error)}`;
    checked.issues.push({ level: 'error', rule: 'schema', text });
    return { ...checked, file: null, validate: null, remediation: null };
  }
}

async function checkExamples(folder: string, versions: readonly Checked[]): Promise<void> {
  for (const result of await judgeExamples(folder, versions)) {
    result.judge.examples += 1;
    if (isAsWanted(result)) continue;
    result.judge.issues.push({ level: 'error', rule: 'example', text: `${result.file}: ${complaintOf(result)}` });
  }
}

/** Compares each version with the one before it, and in a transitive mode with all before it. */
function checkSteps(versions: readonly Checked[], mode: CompatibilityMode): void {
  if (mode === 'none') return;
  const sound = versions.filter(({ file }) => file !== null);
  for (const [index, later] of sound.entries()) {
    const before = sound.slice(mode.endsWith('_transitive') ? 0 : Math.max(0, index - 1), index);
    for (const earlier of before) checkStep(earlier, later, mode);
  }
}

function checkStep(earlier: Checked, later: Checked, mode: CompatibilityMode): void {
  const { version } = earlier.place;
  const compatibility = compareSchemas(earlier.file?.schema, later.file?.schema, mode);
  const mayBreak = mayBreakBetween(version, later.place.version);
  const placeOf = earlier.file && later.file ? placeIn({ older: earlier.file, newer: later.file }) : () => later.place.path;
  later.steps.push({ from: version, may_break: mayBreak, placeOf, ...compatibility });
  for (const { rule, path, message } of compatibility.findings) {
    const place = later.file?.placeOf(path) ?? later.place.path;
    const note = mayBreak ? ' A new major version may do that; producers that name no version are judged by it at once.' : '';
    later.issues.push({ level: mayBreak ? 'warning' : 'error', rule, text: `${place}: ${rule} (against ${version}): ${message}${note}` });
  }
}
