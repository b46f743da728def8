import { type PlacedSchema, readAnySchema } from '../registry/any-schema.ts';
import { type Compatibility, type CompatibilityMode, compareSchemas } from '../registry/compatibility/compare-schemas.ts';
import { compileSchema, schemaInvalid } from '../registry/compiler.ts';
import type { Io } from './io.ts';
import { paint, printLine } from './print.ts';

/** Compares the schemas of two files. Throws `DQ_SCHEMA_INVALID` with the place for one that does not compile. */
export async function diffSchemas(older: string, newer: string, mode: CompatibilityMode): Promise<Compatibility> {
  return compareSchemas(await readSound(older), await readSound(newer), mode);
}

async function readSound(path: string): Promise<unknown> {
  const { schema, placeOf }: PlacedSchema = await readAnySchema(path);
  const compilation = compileSchema(schema);
  if ('problem' in compilation) throw schemaInvalid(compilation.problem, placeOf(compilation.problem.pointer));
  return schema;
}

/** What a person sees: the answer, then each finding with what broke, who is hit, what to write, and a document that shows it. */
export function printCompatibility(io: Io, title: string, { compatible, mode, findings }: Compatibility): void {
  const answers = {
    true: paint(io, 'green', 'compatible'),
    false: paint(io, 'red', 'not compatible'),
    null: paint(io, 'yellow', 'undecided'),
  };
  printLine(io.stdout, `${paint(io, 'bold', title)}  ${mode}: ${answers[`${compatible}`]}`);
  for (const { rule, path, message, witness } of findings) {
    printLine(io.stdout);
    printLine(io.stdout, `  ${paint(io, rule === 'undecided' ? 'yellow' : 'red', rule)}  at ${path === '' ? 'the top' : path}`);
    for (const line of wrapped(message, 110)) printLine(io.stdout, `    ${line}`);
    if (rule !== 'undecided') printLine(io.stdout, `    for example  ${shortened(JSON.stringify(witness))}`);
  }
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
