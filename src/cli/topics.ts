import { type Command, InvalidArgumentError } from 'commander';
import type { Settings } from '../config/settings.ts';
import { type NewTopic, openWire, type Wire } from '../drivers/kafka-wire/wire.ts';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { hasCode } from '../lib/errors.ts';
import type { Io } from './io.ts';
import { printJson, printLine } from './print.ts';
import { addSettingsOptions, type SettingsOptions, settingsFor } from './settings-options.ts';

interface TopicsOptions extends SettingsOptions {
  readonly json?: true;
  readonly partitions?: number;
  readonly replication?: number;
}

/** Partitions of new topics where neither a flag nor a source topic says how many. */
const partitionsDefault = 6;
/** Asks the broker for its own `default.replication.factor`. */
const replicationOfBroker = -1;
/** Dead letters outlive a week of triage and the holidays of who does it. */
const dlqRetentionMs = 30 * 24 * 3_600_000;
/** Record framing, our own headers, and the cause of a dead letter. */
const envelopeBytes = 64 * 1024;

/** `dq topics create`. */
export function registerTopics(program: Command, io: Io): void {
  const topics = program.command('topics').description('set up topics and the bucket');
  addSettingsOptions(topics.command('create'))
    .description('create the topics of the settings that are missing, and the bucket or folder for payloads')
    .option(
      '-p, --partitions <n>',
      `partitions of new topics (default: as many as the source topics have, else ${partitionsDefault})`,
      positive,
    )
    .option('-r, --replication <n>', "replicas of new topics (default: the broker's own)", positive)
    .option('--json', 'print one JSON object')
    .action((options: TopicsOptions) => createTopics(io, options));
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}

async function createTopics(io: Io, options: TopicsOptions): Promise<void> {
  const { settings } = settingsFor(io, options, ['kafka']);
  const { brokers, client } = settings.kafka;
  const wire = await openWire({ brokers, client });
  let created: string[];
  try {
    created = await createMissing(wire, settings, options);
  } finally {
    await wire.close();
  }
  await ensureStorage(settings);
  const existing = topicsOf(settings).filter((name) => !created.includes(name));
  if (options.json) return printJson(io.stdout, { created, existing, storage: settings.storage.url });
  for (const name of created) printLine(io.stdout, `created topic ${name}`);
  for (const name of existing) printLine(io.stdout, `topic ${name} was there`);
  printLine(io.stdout, `${settings.storage.url} is ready`);
}

async function ensureStorage(settings: Settings): Promise<void> {
  const storage = openStorage(settings.storage);
  try {
    await storage.ensure();
  } finally {
    await storage.close();
  }
}

/** Every topic that the service uses, once. */
export function topicsOf({ kafka }: Settings): string[] {
  return [...new Set([...kafka.sourceTopics, kafka.validTopic, kafka.dlqTopic])];
}

async function createMissing(wire: Wire, settings: Settings, options: TopicsOptions): Promise<string[]> {
  const partitionsByTopic = new Map(
    await Promise.all(topicsOf(settings).map(async (name) => [name, await partitionsOf(wire, name)] as const)),
  );
  const missing = [...partitionsByTopic].filter(([, partitions]) => partitions === null).map(([name]) => name);
  if (missing.length === 0) return [];
  // With as many partitions as the source has, each source partition keeps a target partition of its own.
  const ofSource = settings.kafka.sourceTopics.map((name) => partitionsByTopic.get(name) ?? 0);
  const partitions = options.partitions ?? (Math.max(...ofSource) || partitionsDefault);
  const replicationFactor = options.replication ?? replicationOfBroker;
  return wire.createTopics(missing.map((name): NewTopic => ({ name, partitions, replicationFactor, configs: configsOf(name, settings) })));
}

/** How many partitions a topic has, null where it does not exist. */
export async function partitionsOf(wire: Wire, name: string): Promise<number | null> {
  try {
    return (await wire.cluster([name])).topics.get(name)?.partitions ?? null;
  } catch (error) {
    if (hasCode(error, 'DQ_KAFKA_TOPIC_MISSING')) return null;
    throw error;
  }
}

/** Topics take what the limits let through, and keep the timestamps that they are given. */
function configsOf(name: string, { kafka, limits }: Settings): Record<string, string> {
  const messageBytes = limits.valueBytes + limits.headerBytes + envelopeBytes;
  if (name !== kafka.dlqTopic) return { 'max.message.bytes': String(messageBytes), 'message.timestamp.type': 'CreateTime' };
  // Escaping can double a value; what grows beyond that becomes a pointer record.
  const deadLetterBytes = Math.min(2 * messageBytes, 2 ** 31 - 1);
  return { 'max.message.bytes': String(deadLetterBytes), 'message.timestamp.type': 'CreateTime', 'retention.ms': String(dlqRetentionMs) };
}
