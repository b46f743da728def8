import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../lib/package-root.ts';
import type { SchemaReport } from './check-schemas.ts';
import type { Io } from './io.ts';
import { paint, printJson, printLine, printTable } from './print.ts';

interface CompileOptions {
  readonly out: string;
  readonly json?: boolean;
}

interface CheckOptions {
  readonly json?: boolean;
}

/** `dq schemas`. */
export function registerSchemas(program: Command, io: Io): void {
  const dirDefault = io.env['DQ_SCHEMAS_DIR'] ?? 'schemas';
  const schemas = program.command('schemas').description('build and check schemas');
  schemas
    .command('compile')
    .description('generate the validators of all schema versions ahead of a start')
    .argument('[dir]', 'the schema folder', dirDefault)
    .option('--out <dir>', 'where validators and their registry are written', join(packageRoot, 'generated'))
    .option('--json', 'for machines')
    .action(async (dir: string, { out, json }: CompileOptions) => {
      const { buildValidators } = await import('../registry/build.ts');
      const validators = await buildValidators(dir, out);
      if (json) printJson(io.stdout, { out, validators });
      else printLine(io.stdout, `${validators.length} validators written to ${out}`);
    });
  schemas
    .command('check')
    .description('load, compile and lint all schema versions, and judge their examples')
    .argument('[dir]', 'the schema folder', dirDefault)
    .option('--json', 'for machines')
    .addHelpText('after', '\nExits with 1 if a schema is bad. Warnings are for people and change nothing.')
    .action(async (dir: string, { json }: CheckOptions) => {
      const { checkSchemas } = await import('./check-schemas.ts');
      const reports = await checkSchemas(dir);
      const ok = reports.every(({ problems }) => problems.length === 0);
      if (json) printJson(io.stdout, { ok, schemas: reports });
      else printReports(io, reports);
      if (!ok) io.exitCode = 1;
    });
}

function printReports(io: Io, reports: readonly SchemaReport[]): void {
  const head = ['schema', 'version', 'examples', 'result'];
  const row = ({ name, version, examples, problems }: SchemaReport) => [
    name,
    version,
    String(examples),
    problems.length > 0 ? paint(io, 'red', 'bad') : paint(io, 'green', 'good'),
  ];
  printTable(io, head, reports.map(row));
  for (const { problems } of reports) for (const problem of problems) printLine(io.stdout, `${paint(io, 'red', 'problem')}  ${problem}`);
  for (const { file, warnings } of reports) {
    for (const warning of warnings) printLine(io.stdout, `${paint(io, 'yellow', 'warning')}  ${file}: ${warning}`);
  }
}
