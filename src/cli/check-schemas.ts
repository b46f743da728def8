import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { type Compatibility, type CompatibilityMode, compareSchemas } from '../registry/compatibility/compare-schemas.ts';
import { compileInMemory, compileSchema, lintSchema, schemaInvalid } from '../registry/compiler.ts';
import type { SchemaFile } from '../registry/schema-file.ts';
import { listSchemas, parseAt, type SchemaPlace } from '../registry/schema-folder.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { mayBreakBetween } from '../registry/version-step.ts';
import { noSchema } from '../workers/fault.ts';
import { judgeDocument } from '../workers/judge.ts';
import { defaultLimits } from '../workers/read-json.ts';

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
}

/** What a check says of one schema version. */
export interface SchemaReport {
  readonly name: string;
  readonly version: string;
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
    for (const wanted of ['good', 'bad'] as const) await checkExamples(join(dir, name, 'examples', wanted), wanted, versions);
    checkSteps(versions, mode);
  }
  return checked.map(({ place, issues, examples, steps }) => {
    return { name: place.name, version: place.version, file: place.path, issues, examples, compatibility: steps };
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
    return { ...checked, file, validate: compileInMemory(file.schema) };
  } catch (error) {
    const text = error instanceof DataQuarantineError ? error.message : `${place.path}: ${messageOf(error)}`;
    checked.issues.push({ level: 'error', rule: 'schema', text });
    return { ...checked, file: null, validate: null };
  }
}

async function checkExamples(folder: string, wanted: 'good' | 'bad', versions: readonly Checked[]): Promise<void> {
  const files = await readdir(folder).catch(() => []);
  for (const file of files.filter((candidate) => candidate.endsWith('.json')).sort()) {
    const document = await readFile(join(folder, file));
    const judge = judgeOf(document, versions);
    if (!judge?.validate) continue;
    judge.examples += 1;
    const fault = judgeDocument(document, judge.validate, noSchema, defaultLimits);
    const wrong = (text: string) => void judge.issues.push({ level: 'error', rule: 'example', text: `${join(folder, file)}: ${text}` });
    if (wanted === 'good' && fault)
      wrong(`${fault.error_type}${fault.field_path ? ` at ${fault.field_path}` : ''}: ${fault.error_message}`);
    if (wanted === 'bad' && !fault) wrong('expected a document that is refused, but it is valid');
  }
}

/** The version that an example names; the newest one that compiles where it names none. */
function judgeOf(document: Buffer, versions: readonly Checked[]): Checked | undefined {
  const named = /"_schema_version"\s*:\s*"([^"]*)"/.exec(document.toString())?.[1];
  const usable = versions.filter(({ validate }) => validate !== null);
  return usable.find(({ place }) => place.version === named) ?? usable.at(-1);
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
  later.steps.push({ from: version, may_break: mayBreak, ...compatibility });
  for (const { rule, path, message } of compatibility.findings) {
    const place = later.file?.placeOf(path) ?? later.place.path;
    const note = mayBreak ? ' A new major version may do that; producers that name no version are judged by it at once.' : '';
    later.issues.push({ level: mayBreak ? 'warning' : 'error', rule, text: `${place}: ${rule} (against ${version}): ${message}${note}` });
  }
}
