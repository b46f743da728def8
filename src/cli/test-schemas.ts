import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileInMemory, compileSchema, schemaInvalid } from '../registry/compiler.ts';
import { compileRules, withRules } from '../registry/rules.ts';
import { listSchemas, parseAt, type SchemaPlace } from '../registry/schema-folder.ts';
import type { Io } from './io.ts';
import { paint, printLine } from './print.ts';
import { type ExampleJudge, type ExampleKind, type ExampleResult, isAsWanted, judgeExamples } from './schema-examples.ts';

/** What became of one example, in the names of `--json`. */
export interface ExampleReport {
  readonly schema: string;
  readonly version: string;
  readonly file: string;
  readonly expected: ExampleKind;
  readonly ok: boolean;
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly field_path: string | null;
  readonly keyword: string | null;
  /** The rules after which a bad one fits, null where they do not help. */
  readonly remediated: readonly string[] | null;
}

interface Loaded extends ExampleJudge {
  readonly place: SchemaPlace;
}

/** Runs the examples of all schemas of a folder. Throws at the first schema that cannot be read or compiled: `check` names them all. */
export async function testSchemas(dir: string): Promise<readonly ExampleReport[]> {
  const { places } = await listSchemas(dir);
  const loaded: Loaded[] = [];
  for (const place of places) loaded.push(await load(place));
  const reports: ExampleReport[] = [];
  for (const name of new Set(places.map((place) => place.name))) {
    const versions = loaded.filter(({ place }) => place.name === name);
    reports.push(...(await judgeExamples(join(dir, name), versions)).map(reportOf));
  }
  return reports;
}

async function load(place: SchemaPlace): Promise<Loaded> {
  const { schema, rules, remediation, placeOf } = parseAt(await readFile(place.path, 'utf8'), place);
  const compilation = compileSchema(schema);
  if ('problem' in compilation) throw schemaInvalid(compilation.problem, placeOf(compilation.problem.pointer));
  return { place, remediation, validate: withRules(compileInMemory(schema), compileRules(rules)) };
}

function reportOf(result: ExampleResult<Loaded>): ExampleReport {
  const { file, kind, judge, fault, remediated } = result;
  return {
    schema: judge.place.name,
    version: judge.place.version,
    file,
    expected: kind,
    ok: isAsWanted(result),
    error_type: fault?.error_type ?? null,
    error_message: fault?.error_message ?? null,
    field_path: fault?.field_path ?? null,
    keyword: fault?.keyword ?? null,
    remediated,
  };
}

/** One line an example: what it is for, where it lies, and what was said of it. */
export function printExamples(io: Io, reports: readonly ExampleReport[]): void {
  for (const { ok, file, expected, error_type, error_message, field_path, remediated } of reports) {
    const said = error_type === null ? 'valid' : `${error_type}${field_path ? ` at ${field_path}` : ''}: ${error_message}`;
    const mended = remediated ? `, mended by ${remediated.join(', ')}` : '';
    const result = ok ? paint(io, 'green', 'ok    ') : paint(io, 'red', 'FAILED');
    printLine(io.stdout, `${result}  ${expected.padEnd(10)}  ${file}  ${said}${mended}`);
  }
  const failed = reports.filter(({ ok }) => !ok).length;
  printLine(
    io.stdout,
    failed === 0 ? `all ${reports.length} examples are as they should be` : `${failed} of ${reports.length} examples failed`,
  );
}
