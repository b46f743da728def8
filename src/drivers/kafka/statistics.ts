import type { Lag } from './lane.ts';

interface StatisticsJson {
  readonly brokers?: Readonly<Record<string, { readonly state?: string }>>;
  readonly topics?: Readonly<Record<string, { readonly partitions?: Readonly<Record<string, { readonly consumer_lag?: number }>> }>>;
}

/** What we read of librdkafka's statistics. */
export interface Statistics {
  /** Partitions whose lag is not known yet are left out. */
  readonly lag: readonly Lag[];
  /** Is any broker connected? */
  readonly connected: boolean;
}

/** Reads the statistics (librdkafka's STATISTICS.md); a lag of -1 is one that is not known. */
export function readStatistics(json: string, topics: readonly string[]): Statistics {
  const parsed = JSON.parse(json) as StatisticsJson;
  const lag = topics.flatMap((topic) =>
    Object.entries(parsed.topics?.[topic]?.partitions ?? {}).flatMap(([partition, { consumer_lag: messages }]) =>
      messages === undefined || messages < 0 || partition === '-1' ? [] : [{ topic, partition: Number(partition), messages }],
    ),
  );
  return { lag, connected: Object.values(parsed.brokers ?? {}).some(({ state }) => state === 'UP') };
}
