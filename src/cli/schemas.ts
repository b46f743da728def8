import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { packageRoot } from '../lib/package-root.ts';
import { packageVersion } from '../lib/package-version.ts';
import type { CompatibilityMode } from '../model/compatibility-mode.ts';
import type { SchemaReport } from './check-schemas.ts';
import type { DriftCommandOptions } from './drift-schemas.ts';
import type { Io } from './io.ts';
import { paint, printJson, printLine, printTable } from './print.ts';
import { addSettingsOptions, type SettingsOptions } from './settings-options.ts';
import type { WhatIfCommandOptions } from './whatif-schema.ts';

interface CompileOptions {
  readonly out: string;
  readonly json?: boolean;
}

interface CheckOptions extends SettingsOptions {
  readonly mode: CompatibilityMode;
  readonly json?: boolean;
  readonly sarif?: string;
  readonly junit?: string;
}

interface DiffOptions extends SettingsOptions {
  readonly mode: CompatibilityMode;
  readonly json?: boolean;
}

const modes = ['backward', 'backward_transitive', 'forward', 'forward_transitive', 'full', 'full_transitive', 'none'];
const modeOption = () => new Option('--mode <mode>', 'what has to stay compatible').choices(modes).default('backward');
const modeHelp = `
backward: whatever fits the older version fits the newer one, so old producers may go on. forward: the other way round, so old
consumers may go on. full: both. The transitive modes look at all versions before, not at the last one alone.`;

const whoHelp = `Whom a break would hit is told from the schema's owner, the settings, and the database if one is set.`;

/** `dq schemas`. */
export function registerSchemas(program: Command, io: Io): void {
  const dirDefault = io.env['DQ_SCHEMAS_DIR'] ?? 'schemas';
  const schemas = program.command('schemas').description('build, check, compare and try schemas');
  registerCompile(schemas, dirDefault, io);
  registerCheck(schemas, dirDefault, io);
  registerTest(schemas, dirDefault, io);
  registerDiff(schemas, io);
  registerWhatIf(schemas, io);
  registerDrift(schemas, io);
}

function registerCompile(schemas: Command, dirDefault: string, io: Io): void {
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
      else {
        const row = ({ name, version, declined }: (typeof validators)[number]) => [
          name,
          version,
          declined === null ? 'yes' : `no: ${declined}`,
        ];
        printTable(io, ['schema', 'version', 'native'], validators.map(row));
        printLine(io.stdout, `${validators.length} validators written to ${out}`);
      }
    });
}

function registerCheck(schemas: Command, dirDefault: string, io: Io): void {
  addSettingsOptions(schemas.command('check'))
    .description('load, compile and lint all schema versions, judge their examples, and compare each with the version before it')
    .argument('[dir]', 'the schema folder', dirDefault)
    .addOption(modeOption())
    .option('--sarif <file>', 'write what was found as SARIF, for code hosts')
    .option('--junit <file>', 'write what was found as JUnit XML, for build servers')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      `${modeHelp}\n\n${whoHelp} A new major version may break. Exits with 1 if a schema is bad. Warnings are for people and change nothing.`,
    )
    .action(async (dir: string, options: CheckOptions) => {
      const { mode, json, sarif, junit } = options;
      const { checkSchemas, problemsOf } = await import('./check-schemas.ts');
      const { junitOf, sarifOf } = await import('./check-report.ts');
      const reports = await checkSchemas(dir, mode);
      const ok = reports.every((report) => problemsOf(report).length === 0);
      if (sarif) await writeFile(sarif, `${JSON.stringify(sarifOf(reports, packageVersion()), null, 2)}\n`);
      if (junit) await writeFile(junit, junitOf(reports));
      if (json) printJson(io.stdout, { ok, schemas: reports.map(toJson) });
      else await printReports(io, reports, options);
      if (!ok) io.exitCode = 1;
    });
}

function registerTest(schemas: Command, dirDefault: string, io: Io): void {
  schemas
    .command('test')
    .description(
      'judge the examples beside each schema, rules included: examples/good must be valid, bad must not, remediable must be mended',
    )
    .argument('[dir]', 'the schema folder', dirDefault)
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nAn example is judged by the version that its _schema_version names, or by the newest. Exits with 1 if any fails.',
    )
    .action(async (dir: string, { json }: { json?: boolean }) => {
      const { printExamples, testSchemas } = await import('./test-schemas.ts');
      const examples = await testSchemas(dir);
      const ok = examples.every((example) => example.ok);
      if (json) printJson(io.stdout, { ok, examples });
      else printExamples(io, examples);
      if (!ok) io.exitCode = 1;
    });
}

function registerDiff(schemas: Command, io: Io): void {
  addSettingsOptions(schemas.command('diff'))
    .description('say whether documents that fit one version of a schema fit another, with a document that proves it where not')
    .argument('<old>', 'the older version: a JSON Schema or a schema file, in JSON or YAML')
    .argument('<new>', 'the newer version')
    .addOption(modeOption())
    .option('--json', 'for machines')
    .addHelpText('after', `${modeHelp}\n\n${whoHelp} Exits with 1 if they are not compatible, or if that stays open.`)
    .action(async (older: string, newer: string, options: DiffOptions) => {
      const { diffSchemas, placeIn, printCompatibility } = await import('./diff-schemas.ts');
      const diff = await diffSchemas(older, newer, options.mode);
      const isCompatible = diff.compatibility.compatible === true;
      if (options.json) printJson(io.stdout, diff.compatibility);
      else printCompatibility(io, `${older} → ${newer}`, diff.compatibility, placeIn(diff));
      if (!options.json && !isCompatible) {
        const { printWhoIsHit } = await import('./who-is-hit.ts');
        await printWhoIsHit(io, { ...diff.newer, file: newer }, diff.compatibility, options);
      }
      if (!isCompatible) io.exitCode = 1;
    });
}

function registerWhatIf(schemas: Command, io: Io): void {
  addSettingsOptions(schemas.command('whatif'))
    .description('try a schema on the open records of quarantine and on recent valid traffic, changing nothing')
    .argument('<name>', 'the schema that it would be a version of')
    .argument('<file>', 'the candidate: a JSON Schema or a schema file, in JSON or YAML')
    .option('--limit <records>', 'the most records of quarantine, and the most of the valid topic', wholeNumber, 100_000)
    .option('--json', 'for machines')
    .addHelpText('after', '\nExits with 1 if messages that are valid now would be refused.')
    .action(async (name: string, file: string, options: WhatIfCommandOptions) => {
      const { runWhatIf } = await import('./whatif-schema.ts');
      await runWhatIf(io, { name, file }, options);
    });
}

function registerDrift(schemas: Command, io: Io): void {
  addSettingsOptions(schemas.command('drift'))
    .description('show where messages and schemas part: unplanned fields and types, vanished fields, what is refused')
    .argument('[name]', 'one schema (default: all)')
    .option('--propose', 'print the next version of the schema with the unplanned fields in it, as a schema file')
    .option('--json', 'for machines')
    .action(async (name: string | undefined, options: DriftCommandOptions) => {
      const { runDrift } = await import('./drift-schemas.ts');
      await runDrift(io, name ?? null, options);
    });
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}

function toJson({ issues, ...report }: SchemaReport): object {
  const texts = (wanted: string) => issues.filter(({ level }) => level === wanted).map(({ text }) => text);
  return { ...report, problems: texts('error'), warnings: texts('warning') };
}

async function printReports(io: Io, reports: readonly SchemaReport[], options: SettingsOptions): Promise<void> {
  const { printCompatibility } = await import('./diff-schemas.ts');
  const { printWhoIsHit } = await import('./who-is-hit.ts');
  const head = ['schema', 'version', 'examples', 'result'];
  const isBad = ({ issues }: SchemaReport) => issues.some(({ level }) => level === 'error');
  const row = (report: SchemaReport) => [
    report.name,
    report.version,
    String(report.examples),
    isBad(report) ? paint(io, 'red', 'bad') : paint(io, 'green', 'good'),
  ];
  printTable(io, head, reports.map(row));
  for (const { name, version, owner, file, compatibility } of reports) {
    for (const step of compatibility.filter(({ compatible }) => compatible !== true)) {
      printLine(io.stdout);
      printCompatibility(io, `${name} ${step.from} → ${version}  (${file})`, step, step.placeOf);
      await printWhoIsHit(io, { name, owner, file }, step, options);
      if (step.may_break) printLine(io.stdout, '  A new major version may break; producers that name no version are judged by it at once.');
    }
  }
  const told = (level: string) => reports.flatMap(({ issues }) => issues.filter((issue) => issue.level === level && !isBreak(issue.rule)));
  for (const { text } of told('error')) printLine(io.stdout, `${paint(io, 'red', 'problem')}  ${text}`);
  for (const { text } of told('warning')) printLine(io.stdout, `${paint(io, 'yellow', 'warning')}  ${text}`);
}

/** Breaks between versions are told at length, with what shows them; all else is a line. */
function isBreak(rule: string): boolean {
  return !['schema', 'example', 'lint'].includes(rule);
}
