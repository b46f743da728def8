import { Command, CommanderError } from 'commander';
import { DataQuarantineError } from '../lib/errors.ts';
import { withoutUrlSecrets } from '../lib/mask.ts';
import { packageVersion } from '../lib/package-version.ts';
import { exitCodeOf } from './exit-codes.ts';
import { type ExitCode, type Io, processIo } from './io.ts';
import { printLine } from './print.ts';

interface CommandRow {
  readonly name: string;
  /** The line in the list of commands; a command's own help says more. */
  readonly summary: string;
  /** Loads the command with all it needs, and gives the function that adds it to the program. */
  readonly load: () => Promise<(program: Command, io: Io) => void>;
}

/** Only the command that is asked for is loaded: `dq validate` needs no Kafka client, and `dq --help` nothing at all. */
const commands: readonly CommandRow[] = [
  { name: 'run', summary: 'run the service', load: async () => (await import('./run.ts')).registerRun },
  {
    name: 'demo',
    summary: 'run the service on servers of its own with sample events',
    load: async () => (await import('./demo.ts')).registerDemo,
  },
  { name: 'validate', summary: 'validate JSON documents offline', load: async () => (await import('./validate.ts')).registerValidate },
  { name: 'schemas', summary: 'compile, check, compare and try schemas', load: async () => (await import('./schemas.ts')).registerSchemas },
  {
    name: 'verify',
    summary: 'prove from topics and database that nothing is lost',
    load: async () => (await import('./verify.ts')).registerVerify,
  },
  {
    name: 'flood',
    summary: 'show topics in flood, and let their messages through again',
    load: async () => (await import('./flood.ts')).registerFlood,
  },
  { name: 'audit', summary: 'check the audit log', load: async () => (await import('./audit.ts')).registerAudit },
  {
    name: 'quarantine',
    summary: 'list, show and export records in quarantine',
    load: async () => (await import('./quarantine.ts')).registerQuarantine,
  },
  { name: 'replay', summary: 'publish records of the quarantine again', load: async () => (await import('./replay.ts')).registerReplay },
  { name: 'erase', summary: "erase a person's quarantined data", load: async () => (await import('./erase.ts')).registerErase },
  { name: 'migrate', summary: 'bring the tables up to date', load: async () => (await import('./migrate.ts')).registerMigrate },
  { name: 'topics', summary: 'create missing topics and the bucket', load: async () => (await import('./topics.ts')).registerTopics },
  {
    name: 'doctor',
    summary: 'check the services, the rights and this machine',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
  { name: 'config', summary: 'show the effective settings', load: async () => (await import('./config.ts')).registerConfig },
];

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
    const program = createProgram(io);
    const known = await addCommands(program, io, words);
    // With `--help` commander would answer an unknown command with the list of all, as if nothing were wrong.
    const asked = known ? words : words.filter((word) => word !== '--help' && word !== '-h');
    await program.parseAsync(asked, { from: 'user' });
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
  return new Command('dq')
    .description('Validates Kafka messages against versioned schemas and quarantines the bad ones, losing none.')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration, 3 a service could not be reached.');
}

/**
 * The command that `words` ask for is added whole, the others with their summaries for the list and for suggestions.
 * False if `words` ask for a command that there is not.
 */
async function addCommands(program: Command, io: Io, words: readonly string[]): Promise<boolean> {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  const asked = first === 'help' ? second : first;
  for (const { name, summary, load } of commands) {
    if (name === asked) (await load())(program, io);
    else program.command(name);
    program.commands.at(-1)?.summary(summary);
  }
  return asked === undefined || asked === 'help' || commands.some(({ name }) => name === asked);
}
