import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataQuarantineError, messageOf } from '../lib/errors.ts';
import { compileInMemory, compileSchema, lintSchema, schemaInvalid } from '../registry/compiler.ts';
import { listSchemas, parseAt, type SchemaPlace } from '../registry/schema-folder.ts';
import type { ValidateFunction } from '../registry/validator-runtime.ts';
import { noSchema } from '../workers/fault.ts';
import { judgeDocument } from '../workers/judge.ts';
import { defaultLimits } from '../workers/read-json.ts';

/** What a check says of one schema version. Problems make it bad; warnings do not. */
export interface SchemaReport {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Examples that were judged by this version. */
  readonly examples: number;
}

interface Checked {
  readonly place: SchemaPlace;
  readonly validate: ValidateFunction | null;
  readonly problems: string[];
  readonly warnings: string[];
  examples: number;
}

/** Loads and compiles every schema version of a folder, lints it, and judges its examples. */
export async function checkSchemas(dir: string): Promise<readonly SchemaReport[]> {
  const { places } = await listSchemas(dir);
  const checked: Checked[] = [];
  for (const place of places) checked.push(await checkFile(place));
  for (const name of new Set(places.map((place) => place.name))) {
    const versions = checked.filter(({ place }) => place.name === name);
    for (const wanted of ['good', 'bad'] as const) await checkExamples(join(dir, name, 'examples', wanted), wanted, versions);
  }
  return checked.map(({ place, problems, warnings, examples }) => {
    return { name: place.name, version: place.version, file: place.path, problems, warnings, examples };
  });
}

async function checkFile(place: SchemaPlace): Promise<Checked> {
  const checked = { place, problems: [] as string[], warnings: [] as string[], examples: 0 };
  try {
    const { schema, placeOf } = parseAt(await readFile(place.path, 'utf8'), place);
    const compilation = compileSchema(schema);
    if ('problem' in compilation) throw schemaInvalid(compilation.problem, placeOf(compilation.problem.pointer));
    checked.warnings.push(...lintSchema(schema));
    return { ...checked, validate: compileInMemory(schema) };
  } catch (error) {
    checked.problems.push(error instanceof DataQuarantineError ? error.message : `${place.path}: ${messageOf(error)}`);
    return { ...checked, validate: null };
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
    if (wanted === 'good' && fault) {
      judge.problems.push(
        `${join(folder, file)}: ${fault.error_type}${fault.field_path ? ` at ${fault.field_path}` : ''}: ${fault.error_message}`,
      );
    }
    if (wanted === 'bad' && !fault) judge.problems.push(`${join(folder, file)}: expected a document that is refused, but it is valid`);
  }
}

/** The version that an example names; the newest one that compiles where it names none. */
function judgeOf(document: Buffer, versions: readonly Checked[]): Checked | undefined {
  const named = /"_schema_version"\s*:\s*"([^"]*)"/.exec(document.toString())?.[1];
  const usable = versions.filter(({ validate }) => validate !== null);
  return usable.find(({ place }) => place.version === named) ?? usable.at(-1);
}
