import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { DataQuarantineError } from '../lib/errors.ts';
import { packageRoot } from '../lib/package-root.ts';
import { withoutUrlSecrets } from '../observe/log.ts';
import { registerConfig } from './config.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { exitCodeOf } from './exit-codes.ts';
import { type ExitCode, type Io, processIo } from './io.ts';
import { registerMigrate } from './migrate.ts';
import { printLine } from './print.ts';
import { registerRun } from './run.ts';
import { registerSchemas } from './schemas.ts';
import { registerTopics } from './topics.ts';
import { registerValidate } from './validate.ts';
import { registerVerify } from './verify.ts';

const exitGraceMs = 2_000;

/** The door of `bin/dq.cjs`. */
export async function main(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2), processIo());
  // A connection that a failed command left open must not keep the process; one that is just closing gets the time for it.
  setTimeout(() => process.exit(), exitGraceMs).unref();
}

/** Runs one command line, without the program's name, and says how it ended. Nothing is thrown. */
export async function runCommandLine(words: readonly string[], io: Io): Promise<ExitCode> {
  try {
    await createProgram(io).parseAsync(words, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    // Commander has already written its help or its error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    printLine(io.stderr, `dq: ${describe(error)}`);
    return exitCodeOf(error);
  }
}

/** An error of ours says what to do; of any other, the stack is what helps to mend it. */
function describe(error: unknown): string {
  if (error instanceof DataQuarantineError) return withoutUrlSecrets(`${error.message} (${error.code})`);
  return withoutUrlSecrets(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

function createProgram(io: Io): Command {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  const program = new Command('dq')
    .description('Validates Kafka messages against versioned schemas and quarantines the bad ones, losing none.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration, 3 a service could not be reached.');
  registerRun(program, io);
  registerDemo(program, io);
  registerValidate(program, io);
  registerSchemas(program, io);
  registerVerify(program, io);
  registerMigrate(program, io);
  registerTopics(program, io);
  registerDoctor(program, io);
  registerConfig(program, io);
  return program;
}
