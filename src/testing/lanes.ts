import { afterEach } from 'vitest';
import type { ClientProperties } from '../drivers/kafka/client-settings.ts';
import type { SourceOptions } from '../drivers/kafka/group-source.ts';
import type { Publisher, Source } from '../drivers/kafka/lane.ts';
import { chooseLane, openPublisher, openSource } from '../drivers/kafka/open-lane.ts';
import type { PublisherOptions } from '../drivers/kafka/repairing-publisher.ts';
import type { Slab } from '../model/slab.ts';
import { silentLog } from '../observe/log.ts';
import { brokers, freshGroup } from './broker.ts';

export const laneNames = ['native', 'client'] as const;
export type LaneName = (typeof laneNames)[number];

let closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  const closing = closers.reverse();
  closers = [];
  for (const close of closing) await close();
});

const fatal = (error: unknown) => {
  throw error;
};

interface PublisherParts extends Partial<PublisherOptions> {
  readonly messageBytes?: number;
  readonly properties?: ClientProperties;
}

/** A publisher of that lane for one topic; closed after the test. */
export async function publisherOf(lane: LaneName, topic: string, parts: PublisherParts = {}): Promise<Publisher> {
  const { messageBytes = 1_000_000, properties = {}, ...options } = parts;
  const publisher = await openPublisher(chooseLane(lane), {
    client: { brokers: brokers(), clientId: 'test-producer', properties },
    messageBytesMax: new Map([[topic, messageBytes]]),
    log: silentLog(),
    onFatal: fatal,
    ...options,
  });
  closers.push(() => publisher.close());
  return publisher;
}

export interface OpenedSource {
  readonly source: Source;
  readonly groupId: string;
  /** What stopped, as `PARTITION: CODE`. */
  readonly stopped: readonly string[];
  readonly close: () => Promise<void>;
}

interface SourceParts extends Partial<SourceOptions> {
  readonly properties?: ClientProperties;
}

/** A source of that lane for one topic; closed after the test, unless it is already. */
export async function sourceOf(lane: LaneName, topic: string, parts: SourceParts = {}): Promise<OpenedSource> {
  const { properties = {}, groupId = freshGroup(), ...options } = parts;
  const stopped: string[] = [];
  const source = await openSource(chooseLane(lane), {
    client: { brokers: brokers(), clientId: 'test-consumer', properties },
    groupId,
    topics: [topic],
    lossyHeaders: false,
    log: silentLog(),
    onStatistics: () => {},
    onCommitted: () => {},
    onStopped: ({ partition }, error) => stopped.push(`${partition}: ${error.code}`),
    onFatal: fatal,
    ...options,
  });
  let open = true;
  const close = async () => {
    if (open) await source.close();
    open = false;
  };
  closers.push(close);
  return { source, stopped, groupId, close };
}

/** One turn of the consume stage: answers what waits, then fills. */
export async function turn(source: Source, slab: Slab, waitMs = 100): Promise<number> {
  for (let rebalance = source.nextRebalance(); rebalance; rebalance = source.nextRebalance()) source.answer(rebalance);
  return await source.fill(slab, waitMs);
}

/** Fills the slab until it holds `count` messages, answering rebalances as the consume stage does. */
export async function fillTo(source: Source, slab: Slab, count: number): Promise<void> {
  while (slab.count < count) await turn(source, slab);
}
