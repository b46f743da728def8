import type { Lag } from './lane.ts';

interface Statistics {
  readonly topics?: Readonly<Record<string, { readonly partitions?: Readonly<Record<string, { readonly consumer_lag?: number }>> }>>;
}

/** The lag of each held partition out of librdkafka's statistics; partitions whose lag is not known yet (-1) are left out. */
export function lagOf(statistics: string, topics: readonly string[]): Lag[] {
  const parsed = JSON.parse(statistics) as Statistics;
  return topics.flatMap((topic) =>
    Object.entries(parsed.topics?.[topic]?.partitions ?? {}).flatMap(([partition, { consumer_lag: messages }]) =>
      messages === undefined || messages < 0 || partition === '-1' ? [] : [{ topic, partition: Number(partition), messages }],
    ),
  );
}
