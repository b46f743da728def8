import { type Command, InvalidArgumentError, Option } from 'commander';
import { floodRules } from '../app/open-flood.ts';
import type { Settings } from '../config/settings.ts';
import { openDatabase } from '../drivers/postgres/database.ts';
import { assert } from '../lib/assert.ts';
import { DataQuarantineError } from '../lib/errors.ts';
import { FloodStore, type StoredBreaker } from '../store/flood-store.ts';
import type { Io } from './io.ts';
import { printJson, printLine, printTable } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

type ListOptions = SettingsOptions & { readonly json?: true };
type LiftOptions = ListOptions & { readonly for: number };

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `dq flood`. */
export function registerFlood(program: Command, io: Io): void {
  const flood = program.command('flood').description('topics with too many bad messages, and what is done about them');
  addSettingsOptions(flood.command('ls'))
    .description('list the source topics and the states of their breakers')
    .option('--json', 'print one JSON object: {"items":[{"topic","state","action","reason","fingerprint","since","muted_seconds"}]}')
    .action((options: ListOptions) => list(io, options));
  addSettingsOptions(flood.command('lift'))
    .argument('<topic>', 'the source topic')
    .description('let the messages of a topic through: its breaker closes, and stays closed for a while whatever comes')
    .addOption(
      new Option('--for <time>', 'how long it may not trip again, as in 90s, 30m, 2h or 1d').argParser(parseTime).default(units.h, '1h'),
    )
    .option('--json', 'print one JSON object: {"topic","muted_seconds"}')
    .addHelpText('after', '\nEvery instance of the group follows within a few seconds.')
    .action((topic: string, options: LiftOptions) => lift(io, topic, options));
}

function parseTime(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It must be a time such as 90s, 30m, 2h or 1d.');
  return Number(number) * units[unit as keyof typeof units];
}

async function list(io: Io, options: ListOptions): Promise<void> {
  const { settings } = settingsFor(io, options, ['postgres']);
  const stored = await withStore(settings, (store) => store.breakers());
  const items = settings.kafka.sourceTopics.map((topic) => itemOf(settings, topic, stored));
  if (options.json) return printJson(io.stdout, { items });
  printTable(
    io,
    ['topic', 'state', 'action', 'since', 'why'],
    items.map(({ topic, state, action, since, reason }) => [topic, state, action, since ?? '–', reason ?? '–']),
  );
}

function itemOf(settings: Settings, topic: string, stored: readonly StoredBreaker[]) {
  const breaker = stored.find((one) => one.topic === topic);
  const trip = breaker?.trip ?? null;
  return {
    topic,
    state: trip ? 'flood' : breaker && breaker.mutedMs > 0 ? 'lifted' : 'closed',
    action: floodRules(settings, topic).action,
    reason: trip?.reason ?? null,
    fingerprint: trip?.cause ?? null,
    since: trip ? new Date(trip.at).toISOString() : null,
    muted_seconds: Math.round((breaker?.mutedMs ?? 0) / 1_000),
  };
}

async function lift(io: Io, topic: string, options: LiftOptions): Promise<void> {
  const { settings } = settingsFor(io, options, ['postgres']);
  const { sourceTopics } = settings.kafka;
  if (!sourceTopics.includes(topic))
    throw new DataQuarantineError('DQ_CONFIG_INVALID', `${topic} is none of kafka.sourceTopics (${sourceTopics.join(', ')}).`);
  await withStore(settings, (store) => store.lift(topic, options.for));
  const seconds = Math.round(options.for / 1_000);
  if (options.json) return printJson(io.stdout, { topic, muted_seconds: seconds });
  printLine(io.stdout, `${topic} is let through; its breaker does not trip for ${seconds} s`);
}

async function withStore<T>({ postgres, kafka }: Settings, work: (store: FloodStore) => Promise<T>): Promise<T> {
  assert(postgres.url !== null, 'settings without a database passed although one is needed');
  const database = openDatabase({ url: postgres.url, poolMax: 1 });
  try {
    return await work(new FloodStore(database, kafka.groupId));
  } finally {
    await database.close();
  }
}
