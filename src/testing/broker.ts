import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openWire } from '../drivers/kafka-wire/wire.ts';
import { requireSuffix } from './require-suffix.ts';

requireSuffix('broker.ts', ['kafka', 'e2e', 'browser']);

export interface TopicOptions {
  readonly partitions?: number;
  /** Settings of the topic in Kafka's own names, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>;
}

/** `HOST:PORT` of the broker of this run, as `DQ_KAFKA_BROKERS` takes it. */
export function brokers(): string {
  const kafka = inject('kafka');
  if (kafka === null) throw new Error('Kafka was not started for this run');
  return kafka.brokers;
}

/** Makes a topic that no other test knows and returns its name. `kind` is for whoever reads a log. */
export async function freshTopic(kind: string, options: TopicOptions = {}): Promise<string> {
  const [name] = await freshTopics([kind], options);
  return name as string;
}

export async function freshTopics(kinds: readonly string[], options: TopicOptions = {}): Promise<string[]> {
  // Tests write timestamps of their own: with the broker's retention, records of last year would be gone within minutes.
  const { partitions = 1 } = options;
  const configs = { 'retention.ms': '-1', ...options.configs };
  const names = kinds.map(fresh);
  const wire = await openWire({ brokers: brokers().split(','), client: {} });
  try {
    await wire.createTopics(names.map((name) => ({ name, partitions, replicationFactor: 1, configs })));
    return names;
  } finally {
    await wire.close();
  }
}

/** The name of a consumer group that no other test uses. */
export function freshGroup(): string {
  return fresh('group');
}

function fresh(kind: string): string {
  return `${kind}-${randomBytes(6).toString('hex')}`;
}
