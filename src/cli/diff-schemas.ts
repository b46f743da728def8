import type { CompatibilityMode } from '../model/compatibility-mode.ts';
import { type PlacedSchema, readAnySchema } from '../registry/any-schema.ts';
import { type Compatibility, type CompatibilityFinding, compareSchemas, whoIsHit } from '../registry/compatibility/compare-schemas.ts';
import { compileSchema, schemaInvalid } from '../registry/compiler.ts';
import type { Io } from './io.ts';
import { paint, printLine } from './print.ts';

/** Two versions, and how they differ. */
export interface SchemaDiff {
  readonly older: PlacedSchema;
  readonly newer: PlacedSchema;
  readonly compatibility: Compatibility;
}

/** Compares the schemas of two files. Throws `DQ_SCHEMA_INVALID` with the place for one that does not compile. */
export async function diffSchemas(olderPath: string, newerPath: string, mode: CompatibilityMode): Promise<SchemaDiff> {
  const [older, newer] = [await readSound(olderPath), await readSound(newerPath)];
  return { older, newer, compatibility: compareSchemas(older.schema, newer.schema, mode) };
}

async function readSound(path: string): Promise<PlacedSchema> {
  const placed = await readAnySchema(path);
  const compilation = compileSchema(placed.schema);
  if ('problem' in compilation) throw schemaInvalid(compilation.problem, placed.placeOf(compilation.problem.pointer));
  return placed;
}

/**
 * What a person sees: the answer, then each finding with what broke, what to write, and a document that shows it. Who is hit is the same
 * for all, and said once behind them: see `who-is-hit.ts`.
 */
export function printCompatibility(
  io: Io,
  title: string,
  { compatible, mode, findings }: Compatibility,
  placeOf: (finding: CompatibilityFinding) => string,
): void {
  const answers = {
    true: paint(io, 'green', 'compatible'),
    false: paint(io, 'red', 'not compatible'),
    null: paint(io, 'yellow', 'undecided'),
  };
  printLine(io.stdout, `${paint(io, 'bold', title)}  ${mode}: ${answers[`${compatible}`]}`);
  for (const finding of findings) {
    const { rule, path, message, witness } = finding;
    const line = /:(\d+):\d+$/.exec(placeOf(finding))?.[1];
    const where = `${path === '' ? 'the top' : path}${line === undefined ? '' : `, line ${line}`}`;
    printLine(io.stdout);
    printLine(io.stdout, `  ${paint(io, rule === 'undecided' ? 'yellow' : 'red', rule)}  at ${where}`);
    for (const text of paragraphs(message).flatMap((each) => wrapped(each, 110))) printLine(io.stdout, `    ${text}`);
    if (rule !== 'undecided') printLine(io.stdout, `    for example  ${shortened(JSON.stringify(witness))}`);
  }
}

/** What broke and what to do: the parts of a message around the sentence that says who is hit. */
function paragraphs(message: string): string[] {
  const sentence = Object.values(whoIsHit).find((each) => message.includes(each)) ?? '\n';
  return message.split(sentence).map((part) => part.replace(/ If it breaks: $/, '').trim());
}

/** In which of the two files a finding stands: that of the version which refuses. */
export function placeIn({
  older,
  newer,
}: Readonly<Record<'older' | 'newer', Pick<PlacedSchema, 'placeOf'>>>): (finding: CompatibilityFinding) => string {
  return ({ path, message }) => (message.includes(whoIsHit.older) ? older : newer).placeOf(path);
}

function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last !== '' && last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}… (whole with --json)` : text;
}
