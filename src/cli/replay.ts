import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import type { Page } from '../review/contract/page.ts';
import type { Replay } from '../review/contract/replays.ts';
import type { Io } from './io.ts';
import { paint, printJson, printLine, printTable } from './print.ts';
import { addRecordFilter, filterOf, type RecordFilterOptions } from './record-filter.ts';
import { addReviewOptions, type ReviewClient, type ReviewClientOptions, withReview } from './review-client.ts';

interface PlanOptions extends ReviewClientOptions, RecordFilterOptions {
  readonly ids?: readonly string[];
  readonly target?: string;
  readonly rate?: number | 'none';
  readonly schemaVersion?: string;
  readonly dryRun?: true;
  readonly includeSuperseded?: true;
  readonly note?: string;
}

type WatchOptions = ReviewClientOptions & { readonly watch?: true };

const lookMsInterval = 500;

/** `dq replay`. */
export function registerReplay(program: Command, io: Io): void {
  const replay = program.command('replay').description('publish records of the quarantine again');
  addReviewOptions(addRecordFilter(replay.command('plan')))
    .description('freeze a set of records and say what would become of each; nothing is published')
    .option('--ids <id...>', 'records by their ids, in the place of a filter')
    .option('--target <topic>', 'the topic to publish to (default: the valid topic)')
    .option('--rate <number>', 'messages a second, or none for no limit', parseRate)
    .option('--schema-version <version>', 'judge by this version of the schema')
    .option('--dry-run', 'this plan can never be started')
    .option('--include-superseded', 'publish records that a newer message of their key has overtaken, too')
    .option('--note <text>', 'what it is for')
    .addHelpText('after', '\nExit code 0 if some of the records will pass, 1 if none.')
    .action((options: PlanOptions) => withReview(io, options, (client) => plan(io, client, options)));
  addReviewOptions(replay.command('start'))
    .argument('<id>', 'the id of a replay')
    .description('start a plan, or go on after a pause; without --url it is worked on until it ends or pauses')
    .option('--watch', 'tell of its progress until it ends or pauses')
    .addHelpText(
      'after',
      '\nExit code 1 if it ends otherwise than done. Ctrl-C ends the command, not the replay: it goes on with the next worker.',
    )
    .action((id: string, options: WatchOptions) => withReview(io, options, (client) => start(io, client, { ...options, id })));
  addReviewOptions(replay.command('status'))
    .argument('[id]', 'the id of a replay (default: the newest fifty)')
    .description('show how far replays are')
    .option('--watch', 'tell of its progress until it ends or pauses')
    .action((id: string | undefined, options: WatchOptions) =>
      withReview(io, options, (client) => (id === undefined ? list(io, client, options) : status(io, client, { ...options, id }))),
    );
  for (const [action, summary] of [
    ['pause', 'pause a replay: what is in hand still goes out'],
    ['cancel', 'end a replay for good: what has not gone out stays in quarantine'],
  ] as const) {
    addReviewOptions(replay.command(action))
      .argument('<id>', 'the id of a replay')
      .description(summary)
      .action((id: string, options: ReviewClientOptions) =>
        withReview(io, options, async (client) => {
          print(io, await client.call<Replay>(`${pathOf(id)}/${action}`, { method: 'POST' }), options);
        }),
      );
  }
}

function parseRate(text: string): number | 'none' {
  if (text === 'none') return text;
  const rate = Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new InvalidArgumentError('It must be a number above 0, or none.');
}

function pathOf(id: string): string {
  return `/replays/${encodeURIComponent(id)}`;
}

async function plan(io: Io, client: ReviewClient, options: PlanOptions): Promise<void> {
  const { ids, target, rate, schemaVersion, dryRun, includeSuperseded, note } = options;
  const body = {
    ...(ids ? { ids } : { filter: filterOf(options) }),
    ...(target !== undefined && { target }),
    ...(rate !== undefined && { rate: rate === 'none' ? null : rate }),
    ...(schemaVersion !== undefined && { schema_version: schemaVersion }),
    ...(note !== undefined && { note }),
    dry_run: dryRun ?? false,
    include_superseded: includeSuperseded ?? false,
  };
  const made = await client.call<Replay>('/replays', { method: 'POST', body });
  print(io, made, options);
  if ((made.report.forecast['will_pass'] ?? 0) === 0) io.exitCode = 1;
}

async function start(io: Io, client: ReviewClient, options: WatchOptions & { id: string }): Promise<void> {
  const started = await client.call<Replay>(`${pathOf(options.id)}/start`, { method: 'POST' });
  client.startReplays();
  if (!options.watch && !client.isOwn) return print(io, started, options);
  await follow(io, client, options);
}

async function status(io: Io, client: ReviewClient, options: WatchOptions & { id: string }): Promise<void> {
  if (options.watch) return follow(io, client, options);
  print(io, await client.call<Replay>(pathOf(options.id)), options);
}

/** Looks until the replay no longer runs, or somebody has seen enough. */
async function follow(io: Io, client: ReviewClient, options: WatchOptions & { id: string }): Promise<void> {
  const signal = io.stopSignal();
  let last = '';
  for (;;) {
    const replay = await client.call<Replay>(pathOf(options.id));
    const line = progressLine(replay);
    if (!options.json && line !== last) printLine(io.stderr, line);
    last = line;
    if (replay.state !== 'running' || signal.aborted) {
      print(io, replay, options);
      io.exitCode = replay.state === 'done' || signal.aborted ? 0 : 1;
      return;
    }
    await systemClock.sleep(lookMsInterval, signal);
  }
}

function progressLine({ state, progress }: Replay): string {
  const { published, failed, total, rate_now: rate } = progress;
  return `${state}: ${published} of ${total} published, ${failed} failed, ${rate} a second`;
}

function print(io: Io, replay: Replay, { json }: ReviewClientOptions): void {
  if (json) return printJson(io.stdout, replay);
  printLine(io.stdout, `${paint(io, 'bold', replay.id)}  ${progressLine(replay)}${replay.reason ? ` (${replay.reason})` : ''}`);
  printLine(io.stdout, `${replay.report.selected} records for ${replay.target}:`);
  for (const [forecast, records] of Object.entries(replay.report.forecast))
    if (records > 0) printLine(io.stdout, `  ${forecast.padEnd(17)} ${records}`);
  for (const { id, forecast, message } of replay.report.examples.slice(0, 5)) printLine(io.stdout, `  ${id} ${forecast}: ${message ?? ''}`);
  if (replay.report.gap !== null) printLine(io.stderr, `note: ${replay.report.gap}`);
  if (replay.state === 'planned' && !replay.dry_run) printLine(io.stderr, `Start it with: dq replay start ${replay.id}`);
}

async function list(io: Io, client: ReviewClient, options: ReviewClientOptions): Promise<void> {
  const { items } = await client.call<Page<Replay>>('/replays');
  if (options.json) return printJson(io.stdout, { items });
  printTable(
    io,
    ['id', 'state', 'made at', 'by', 'published', 'failed', 'of', 'target'],
    items.map(({ id, state, created_at, created_by, progress, target }) => {
      const { published, failed, total } = progress;
      return [id, state, created_at.slice(0, 19), created_by, String(published), String(failed), String(total), target];
    }),
  );
}
