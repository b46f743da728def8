import type { ClientProperties } from './security.ts';
import { openWire, type TopicSettings } from './wire.ts';

export interface SourceRetentionOptions {
  readonly brokers: readonly string[];
  readonly client: ClientProperties;
  readonly topics: readonly string[];
}

/** How long source topics hold their messages, as their settings said when they were last read. */
export class SourceRetention {
  readonly #options: SourceRetentionOptions;
  #settings: ReadonlyMap<string, TopicSettings> = new Map();

  constructor(options: SourceRetentionOptions) {
    this.#options = options;
  }

  /** Asks the cluster. Throws what {@link openWire} and its calls throw; what was known before then holds. */
  async read(): Promise<void> {
    const { brokers, client, topics } = this.#options;
    const wire = await openWire({ brokers, client });
    try {
      this.#settings = await wire.topicSettings(topics);
    } finally {
      await wire.close();
    }
  }

  /**
   * Until when a message of that time is there for sure, in milliseconds since 1970. Kafka deletes a segment when its newest message is too
   * old, so none goes earlier. Where size or compaction decide, or nothing is known, nobody can say: then it is the beginning of time.
   */
  heldUntil(topic: string, timestampMs: number): number {
    const settings = this.#settings.get(topic);
    if (!settings || settings.compacted || settings.retentionBytes >= 0) return Number.NEGATIVE_INFINITY;
    return settings.retentionMs < 0 ? Number.POSITIVE_INFINITY : timestampMs + settings.retentionMs;
  }
}
