import { DataQuarantineError } from '../../lib/errors.ts';
import { loadLane } from '../../native/index.ts';
import { ClientPublisher } from './client-publisher.ts';
import { ClientSource } from './client-source.ts';
import type { SourceOptions } from './group-source.ts';
import type { Publisher, Source } from './lane.ts';
import type { NativeLane } from './native-lane.ts';
import { NativePublisher } from './native-publisher.ts';
import { NativeSource } from './native-source.ts';
import type { PublisherOptions } from './repairing-publisher.ts';

/** The way that messages cross from and to Kafka. */
export interface LaneChoice {
  readonly name: 'native' | 'client';
  /** The addon, null in the client lane. */
  readonly native: NativeLane | null;
  /** Why `auto` did not take the native lane, null if it did or was not asked. */
  readonly missing: string | null;
}

/** Which lane runs. Throws DQ_CONFIG_INVALID when the native lane is asked for and does not load here. */
export function chooseLane(asked: 'auto' | 'native' | 'client', load: typeof loadLane = loadLane): LaneChoice {
  if (asked === 'client') return { name: 'client', native: null, missing: null };
  const loaded = load();
  if ('addon' in loaded) return { name: 'native', native: loaded, missing: null };
  if (asked === 'native') {
    throw new DataQuarantineError('DQ_CONFIG_INVALID', `kafka.lane: native cannot be had: ${loaded.missing}. Or use auto or client.`);
  }
  return { name: 'client', native: null, missing: loaded.missing };
}

/** Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
export function openSource({ native }: LaneChoice, options: SourceOptions): Promise<Source> {
  return native ? NativeSource.open(options, native) : ClientSource.open(options);
}

/** Throws DQ_KAFKA_UNREACHABLE when no broker answers within 15 s. */
export function openPublisher({ native }: LaneChoice, options: PublisherOptions): Promise<Publisher> {
  return native ? NativePublisher.open(options, native) : ClientPublisher.open(options);
}
