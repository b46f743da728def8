import type { Settings } from '../config/settings.ts';
import { SourceRetention } from '../drivers/kafka-wire/source-retention.ts';
import type { Database } from '../drivers/postgres/database.ts';
import { systemClock } from '../lib/clock.ts';
import { within } from '../lib/within.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Flood } from '../pipeline/flood/flood.ts';
import { FloodKeeper } from '../pipeline/flood/flood-keeper.ts';
import type { FloodRules, TopicFlood } from '../pipeline/flood/topic-flood.ts';
import { FloodStore } from '../store/flood-store.ts';

export interface OpenFloodOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly stores: { readonly database: Database };
  readonly closers: (() => Promise<void>)[];
}

/** The flood breaker and what keeps it in step with those of other instances. */
export interface FloodParts {
  readonly flood: Flood;
  readonly keeper: FloodKeeper;
}

const hourMs = 3_600_000;
const retentionMsInterval = 300_000;
const endMsMax = 1_000;
const stateNumbers = { alert: 1, sample: 2, pause: 3 } as const;

/** Opens the breaker with what is known of it, before anything is consumed. */
export async function openFlood(options: OpenFloodOptions): Promise<FloodParts> {
  const { settings, log, metrics, stores, closers } = options;
  const { sourceTopics, groupId } = settings.kafka;
  const rulesOf = (topic: string) => floodRules(settings, topic);
  const retention = sourceTopics.some((topic) => rulesOf(topic).action === 'sample') ? await watchRetention(options) : null;
  const abandon = new AbortController();
  const flood: Flood = new Flood({
    topics: sourceTopics,
    rulesOf,
    mayPoint: (topic, timestampMs) =>
      retention !== null && retention.heldUntil(topic, timestampMs) > systemClock.now() + settings.flood.sourceHoursMin * hourMs,
    onTrip: (topic) => keeper.tripped(flood.of(topic) as TopicFlood),
    onPointers: (topic, messages) => metrics.floodPointers.inc({ topic }, messages),
  });
  const keeper = new FloodKeeper({
    flood,
    shelf: new FloodStore(stores.database, groupId),
    clock: systemClock,
    log,
    signal: abandon.signal,
    onState: (topic) => showState(topic, options),
  });
  for (const topic of sourceTopics) {
    metrics.floodState.set({ topic }, 0);
    metrics.floodPointers.inc({ topic }, 0);
  }
  await keeper.sync();
  const ended = keeper.run();
  closers.push(async () => {
    abandon.abort();
    await within(endMsMax, ended);
  });
  return { flood, keeper };
}

/** The rules of a topic: its own, and for what it does not say those of `flood`. */
export function floodRules({ flood, topics }: Pick<Settings, 'flood' | 'topics'>, topic: string): FloodRules {
  const own = topics[topic]?.flood;
  return {
    action: own?.action ?? flood.action,
    share: own?.share ?? flood.share,
    causeShare: own?.causeShare ?? flood.causeShare,
    window: own?.window ?? flood.window,
    consecutive: own?.consecutive ?? flood.consecutive,
    sampleCount: own?.sampleCount ?? flood.sampleCount,
  };
}

/** Says what a breaker does: in the log once, in metrics and health for as long as it does. A pause is wanted, so it takes no readiness away. */
function showState({ topic, trip, rules }: TopicFlood, { log, metrics, health, settings }: OpenFloodOptions): void {
  const check = `flood ${topic}`;
  metrics.floodState.set({ topic }, trip ? stateNumbers[rules.action] : 0);
  if (!trip) {
    health.forget(check);
    log.info({ topic }, 'the topic is in flood no more');
    return;
  }
  const done = {
    alert: 'all are quarantined as usual',
    sample: `from now on ${rules.sampleCount} of each cause and partition are kept whole, and of others a pointer while ${topic} keeps them for ${settings.flood.sourceHoursMin} h more`,
    pause: `consumption of ${topic} is paused until "dq flood lift ${topic}"`,
  }[rules.action];
  health.readyBut(check, `${trip.reason}: ${done}`);
  log.error({ topic, action: rules.action, cause: trip.cause }, `${topic} is in flood: ${trip.reason}; ${done}`);
}

/** Without an answer no pointers are written: all is kept whole. */
async function watchRetention({ settings, log, closers }: OpenFloodOptions): Promise<SourceRetention> {
  const { brokers, client, sourceTopics } = settings.kafka;
  const retention = new SourceRetention({ brokers, client, topics: sourceTopics });
  const read = () =>
    retention
      .read()
      .catch((error: unknown) => log.warn({ err: error }, 'the retention of the source topics could not be read; see flood.action'));
  await read();
  const timer = setInterval(() => void read(), retentionMsInterval);
  closers.push(async () => clearInterval(timer));
  return retention;
}
