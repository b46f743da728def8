import { type Command, InvalidArgumentError } from 'commander';
import { isolationOf, openWire } from '../drivers/kafka-wire/wire.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import type { LedgerCounts, UnaccountedReason } from '../ledger/account.ts';
import { type VerifyFrom, type VerifyReport, verify } from '../ledger/verify.ts';
import { assert } from '../lib/assert.ts';
import type { Io } from './io.ts';
import { paint, printLine, printTable } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

interface VerifyCommandOptions extends SettingsOptions {
  readonly topic?: readonly string[];
  readonly from?: VerifyFrom;
  readonly spool?: readonly string[];
  readonly payloads?: true;
  readonly dlq?: true;
  readonly json?: true;
}

/** `dq verify`. */
export function registerVerify(program: Command, io: Io): void {
  addSettingsOptions(program.command('verify'))
    .description('recompute from topics and database what became of every source record before the committed offsets')
    .option('-t, --topic <topic...>', 'source topics (default: all of the settings)')
    .option('--from <place>', 'begin at an offset, or at a time such as 2026-11-03T10:00:00Z (default: the start of the log)', parseFrom)
    .option('--spool <folder...>', 'the spools of all instances, as far as they lie elsewhere (default: spool.dir)')
    .option('--payloads', 'read every stored payload back and check its hash')
    .option('--dlq', 'look for the dead letter of every quarantined record')
    .option('--json', 'print the figures as one JSON object on one line')
    .addHelpText(
      'after',
      '\nExit code 0 if every record is accounted for and in order, 1 if not. The others are named on standard error, up to a hundred.',
    )
    .action((options: VerifyCommandOptions) => runVerify(io, options));
}

function parseFrom(text: string): VerifyFrom {
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const timestampMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timestampMs)) throw new InvalidArgumentError('It must be an offset or an ISO 8601 date or time.');
  return { timestampMs };
}

async function runVerify(io: Io, options: VerifyCommandOptions): Promise<void> {
  const report = await reportOf(io, options);
  const { counts, unaccounted, disordered, notes } = report;
  for (const note of notes) printLine(io.stderr, `note: ${note}`);
  for (const { topic, partition, offset, reason } of unaccounted)
    printLine(io.stderr, `unaccounted: ${topic}/${partition}/${offset} ${reasons[reason]}`);
  if (unaccounted.some(({ reason }) => reason === 'missing'))
    printLine(io.stderr, 'note: they may wait in the spool of an instance on another machine: name its folder with --spool.');
  if (counts.unaccounted > unaccounted.length) printLine(io.stderr, `… and ${counts.unaccounted - unaccounted.length} more`);
  for (const { topic, partition, offset } of disordered.first)
    printLine(io.stderr, `out of order: ${topic}/${partition}/${offset} lies in the valid topic behind a later record of its partition`);
  if (disordered.count > disordered.first.length) printLine(io.stderr, `… and ${disordered.count - disordered.first.length} more`);
  if (options.json) printLine(io.stdout, JSON.stringify(counts));
  else printCounts(io, counts);
  io.exitCode = counts.unaccounted === 0 && disordered.count === 0 ? 0 : 1;
}

async function reportOf(io: Io, options: VerifyCommandOptions): Promise<VerifyReport> {
  const { kafka, postgres, storage, spool } = settingsFor(io, options, ['kafka', 'postgres']).settings;
  assert(postgres.url !== null, 'settings without a database passed although one is needed');
  const { brokers, client } = kafka;
  const wire = await openWire({ brokers, client });
  // What the service was never given, such as a transaction that was aborted, is not missing.
  const sources = await openWire({ brokers, client, isolation: isolationOf(client) });
  try {
    const database = openDatabase({ url: postgres.url, poolMax: 1 });
    const objects = options.payloads ? openStorage(storage) : null;
    try {
      return await verify({
        wire,
        sources,
        database,
        storage: objects,
        spoolDirs: options.spool ?? [spool.dir],
        group: kafka.groupId,
        sourceTopics: options.topic ?? kafka.sourceTopics,
        validTopic: kafka.validTopic,
        dlqTopic: options.dlq ? kafka.dlqTopic : null,
        from: options.from ?? null,
      });
    } finally {
      await objects?.close();
      await database.close();
    }
  } finally {
    await sources.close();
    await wire.close();
  }
}

const reasons: Readonly<Record<UnaccountedReason, string>> = {
  missing: 'is neither in the valid topic nor in quarantine nor in the spool',
  payload_differs: 'has a row of another payload',
  payload_lost: 'has a row whose stored payload is not there or has another hash',
  dead_letter_missing: 'is in quarantine without a dead letter',
};

/** What each figure says, in the order of the sum; the last four stand beside it. */
const meanings: readonly (readonly [keyof LedgerCounts, string])[] = [
  ['in', 'records before the committed offsets'],
  ['valid', '= in the valid topic'],
  ['quarantined', '+ in quarantine'],
  ['remediated', '+ in the valid topic, mended'],
  ['tombstones', '+ null values, in the valid topic'],
  ['spooled', '+ waiting in the spool'],
  ['unaccounted', '+ nowhere: must be 0'],
  ['duplicates', 'further copies in the valid topic'],
  ['out_of_reach', 'gone by retention'],
  ['reclassified', 'in quarantine and in the valid topic, judged otherwise on a later pass'],
];

function printCounts(io: Io, counts: LedgerCounts): void {
  const rows = meanings.map(([name, meaning]) => [name, counts[name].toLocaleString('en').padStart(15), meaning]);
  printTable(io, ['figure', 'records'.padStart(15), 'meaning'], rows);
  printLine(
    io.stdout,
    counts.unaccounted === 0
      ? paint(io, 'green', 'Every record is accounted for.')
      : paint(io, 'red', `${counts.unaccounted} unaccounted.`),
  );
}
