import { type FloodParts, openFlood } from './app/open-flood.ts';
import { openInHand } from './app/open-in-hand.ts';
import { type Judges, openJudges } from './app/open-judges.ts';
import { openQuarantine } from './app/open-quarantine.ts';
import { openStores, type Stores } from './app/open-stores.ts';
import { whenThere } from './app/when-there.ts';
import type { Settings } from './config/settings.ts';
import type { SourceOptions } from './drivers/kafka/group-source.ts';
import type { Publisher, Source } from './drivers/kafka/lane.ts';
import { chooseLane, openPublisher, openSource } from './drivers/kafka/open-lane.ts';
import type { PublisherOptions } from './drivers/kafka/repairing-publisher.ts';
import { describeTopics, type Topics } from './drivers/kafka-wire/topics.ts';
import { DriftBook } from './evolve/drift-book.ts';
import { systemClock } from './lib/clock.ts';
import { DataQuarantineError } from './lib/errors.ts';
import { within } from './lib/within.ts';
import { SlabRing } from './model/slab-ring.ts';
import type { Engine } from './model/verdict.ts';
import { loadJudge } from './native/index.ts';
import type { Health } from './observe/health.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { announceSinks, sinkFailed, sinkTook } from './observe/sink-metrics.ts';
import { Batcher } from './pipeline/batch/batcher.ts';
import { Committer } from './pipeline/commit/committer.ts';
import { Consumer } from './pipeline/consume/consumer.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { publishRefusal } from './pipeline/sink/publish-refusal.ts';
import { Sink } from './pipeline/sink/sink.ts';
import { Tally } from './pipeline/tally.ts';
import type { InHand } from './pipeline/validate/in-hand.ts';
import { Validator } from './pipeline/validate/validator.ts';
import { DriftStore } from './store/drift-store.ts';
import type { TopicRules } from './workers/task.ts';

/** The sizes that the engine was tuned to; DECISIONS.md says how. Each is a limit as much as a size. */
const tuning = {
  /** For each thread that judges: a slab that it judges, and one that is filled or on its way. */
  slabsPerThread: 2,
  slabsMin: 8,
  slabRowsMax: 8_192,
  slabBytesMax: 4 * 2 ** 20,
  firstMsMax: 100,
  lingerMsMax: 50,
  flushMsInterval: 100,
  // With four seconds for the source and two for the publisher, a stop ends within 25 seconds.
  drainMsMax: 17_000,
  revokeMsMax: 17_000,
  idleAfterMs: 2_000,
  loopAgeMsMax: 60_000,
  // More than the source takes, and little enough for several that hang.
  closeMsMax: 4_500,
};

export interface AppOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Ends the waiting for services that are not there yet. */
  readonly signal: AbortSignal;
}

/** Names of the checks that `/readyz` waits for. */
export const readinessChecks = ['kafka', 'postgres', 'storage', 'spool', 'group'] as const;

/** What was opened, in order; it is closed in the reverse order, whatever happened between. */
type Closers = (() => Promise<void>)[];

/**
 * The composition root: opens the drivers, hands them to the rooms, and closes all in the reverse order. The only wiring there is.
 */
export class App {
  readonly #pipeline: Pipeline;
  readonly #closers: Closers;
  readonly #log: Log;

  private constructor(pipeline: Pipeline, { closers, log }: { closers: Closers; log: Log }) {
    this.#pipeline = pipeline;
    this.#closers = closers;
    this.#log = log;
  }

  /** Opens everything; on a failure closes what was opened and throws it. */
  static async open(options: AppOptions): Promise<App> {
    const closers: Closers = [];
    try {
      return new App(await compose(options, closers), { closers, log: options.log });
    } catch (error) {
      await closeAll(closers, options.log);
      throw error;
    }
  }

  /** Runs until `stop` or a failure; then drains and closes. */
  async run(): Promise<void> {
    try {
      await this.#pipeline.run();
    } finally {
      await closeAll(this.#closers, this.#log);
    }
  }

  stop(): void {
    this.#pipeline.stop();
  }
}

/** Closes all, whatever fails on the way: by now there is nothing left to lose. */
async function closeAll(closers: Closers, log: Log): Promise<void> {
  for (const close of closers.splice(0).reverse()) {
    try {
      if (!(await within(tuning.closeMsMax, close())))
        log.warn('something did not close in time and is left: a service that hangs, mostly');
    } catch (error) {
      log.warn({ err: error }, 'something did not close as it should');
    }
  }
}

/** Opens what the pipeline stands on, in order: cluster, stores, judges, lane; then hands it to the stages. */
async function compose(options: AppOptions, closers: Closers): Promise<Pipeline> {
  const { settings, log, metrics } = options;
  const way = chooseWay(settings);
  if (way.missing !== null) log.warn(way.missing);
  log.info({ lane: way.lane, engine: way.engine }, 'lane and engine');
  announceSinks(metrics);
  const topics = await whenThere('kafka', () => describeTopics(settings.kafka), options);
  const stores = await openStores({ ...options, closers });
  const judges = await openJudges(options, closers);
  const { nativeMissing } = judges.pool;
  if (way.engine === 'native' && nativeMissing !== null) log.warn({ engine: 'js' }, `in the worker threads ${nativeMissing}`);
  const flood = await openFlood({ ...options, stores, closers });
  const inHand = await openInHand({ dir: settings.spool.dir, log, closers });
  // The lane may fail before the loop is there that must hear of it.
  const failures = new FailureLine();
  const onFatal = (error: unknown) => failures.report(error);
  const lane = await openLane(options, { topics, closers, onFatal });
  const parts: Parts = { way, topics, stores, judges, flood, inHand, lane, closers, onFatal };
  const pipeline = createPipeline(options, parts, await openSink(options, parts));
  failures.follow((error) => pipeline.fail(error));
  return pipeline;
}

interface Way {
  readonly lane: 'native' | 'client';
  readonly engine: Engine;
  /** Why `auto` took the slower engine, null where it did not. */
  readonly missing: string | null;
}

/** Which lane and engine run. `auto` takes the best there is. */
export function chooseWay({ kafka, validation }: Settings): Way {
  return { lane: chooseLane(kafka.lane).name, ...chooseEngine(validation.engine) };
}

function chooseEngine(asked: 'auto' | Engine): Omit<Way, 'lane'> {
  const judge = asked === 'js' ? null : loadJudge();
  if (judge === null) return { engine: 'js', missing: null };
  if ('addon' in judge) return { engine: 'native', missing: null };
  if (asked === 'native') throw new DataQuarantineError('DQ_CONFIG_INVALID', `validation.engine: ${judge.missing}, or use auto or js.`);
  return { engine: 'js', missing: `${judge.missing}; messages are judged in JavaScript, which is slower` };
}

/** Keeps a failure until somebody listens. */
class FailureLine {
  #early: { readonly error: unknown } | null = null;
  #listener: ((error: unknown) => void) | null = null;

  report(error: unknown): void {
    if (this.#listener) this.#listener(error);
    else this.#early ??= { error };
  }

  follow(listener: (error: unknown) => void): void {
    this.#listener = listener;
    if (this.#early) listener(this.#early.error);
  }
}

/** The readiness check of a partition that stopped, there only while it is stopped. */
function stoppedCheck(topic: string, partition: number): string {
  return `partition ${topic}/${partition}`;
}

interface Parts {
  readonly way: Way;
  readonly topics: Topics;
  readonly stores: Stores;
  readonly judges: Judges;
  readonly flood: FloodParts;
  readonly inHand: InHand | null;
  readonly lane: Lane;
  readonly closers: Closers;
  readonly onFatal: (error: unknown) => void;
}

/** The stages, from the last to the first, and the loop that runs them. */
function createPipeline(options: AppOptions, parts: Parts, sink: Sink): Pipeline {
  const { settings, log, metrics, health } = options;
  const { way, topics, judges, flood, inHand, lane, closers } = parts;
  const clock = systemClock;
  const committer = new Committer(lane.source);
  const slabs = Math.max(tuning.slabsMin, tuning.slabsPerThread * judges.pool.threads);
  const ring = new SlabRing({ slabs, rowsMax: tuning.slabRowsMax, bytesMax: tuning.slabBytesMax });
  const fields = openDriftBook(options, parts);
  const validator = new Validator({
    judge: judges.pool,
    catalog: judges.reference,
    topics: settings.kafka.sourceTopics.map((topic) => topicRules(settings, topic)),
    limits: settings.limits,
    ask: judges.ask,
    absent: judges.absent,
    inHand,
    engine: way.engine,
    onDisagreement: (messages) => {
      metrics.engineDisagreements.inc(messages);
      log.warn({ messages }, 'the native engine refused messages that are valid; they went on, but please report their schema');
    },
    producerHeaders: settings.drift.enabled ? settings.review.producerHeaders : null,
    onFields: (counts) => fields.take(counts),
    onSample: (schema, seconds) => metrics.validationDuration.observe({ schema: metrics.schemaLabel(judges.nameOf(schema)) }, seconds),
  });
  const consumer = createConsumer(options, parts, committer);
  const tally = new Tally({ schemaName: judges.nameOf, metrics });
  const turnedLoop = health.watchLoop('consume loop', tuning.loopAgeMsMax);
  closers.push(async () => health.forgetLoop('consume loop'));
  return new Pipeline({
    consumer,
    ring,
    batcher: new Batcher({ ring, clock, isBehind: () => validator.busy, firstMsMax: tuning.firstMsMax, lingerMsMax: tuning.lingerMsMax }),
    validator,
    flood: flood.flood,
    validPartitions: topics.validPartitions,
    sink,
    committer,
    clock,
    caughtUp: () => lane.publisher.caughtUp(),
    onTaken: (batch) => tally.take(batch),
    onPassed: (receipt) => tally.count(receipt),
    onTurn: () => {
      turnedLoop();
      const open = committer.openMessages;
      metrics.inflightMessages.set(open);
      tally.balance(open);
      const { threads, threadsAlive } = judges.pool;
      metrics.workerThreads.set(threadsAlive);
      if (threadsAlive === threads) health.ready('workers');
      else health.notReady('workers', `${threadsAlive} of ${threads} threads that validate are there`);
    },
    drainMsMax: tuning.drainMsMax,
    flushMsInterval: tuning.flushMsInterval,
  });
}

function topicRules({ topics }: Settings, topic: string): TopicRules {
  const { schema = null, allowed = null, strict = false } = topics[topic] ?? {};
  return { schema, allowed, strict };
}

function createConsumer({ log, metrics, health }: AppOptions, { flood, lane }: Parts, committer: Committer): Consumer {
  return new Consumer({
    source: lane.source,
    holder: committer,
    clock: systemClock,
    log,
    revokeMsMax: tuning.revokeMsMax,
    idleAfterMs: tuning.idleAfterMs,
    isHeld: (topic) => flood.flood.isHeld(topic),
    onRebalanced: ({ kind, lost, partitions }, held) => {
      metrics.rebalances.inc({ kind: lost ? 'lost' : kind });
      metrics.assignedPartitions.set(held);
      if (kind === 'assign') flood.keeper.assigned(partitions);
      else flood.keeper.released(partitions);
      if (kind === 'revoke')
        for (const { topic, partition } of partitions) metrics.consumerLag.remove({ topic, partition: String(partition) });
      health.ready('group');
    },
  });
}

/** Closed before the database is. */
function openDriftBook({ log, metrics }: AppOptions, { stores, judges, closers }: Parts): DriftBook {
  const book = new DriftBook({
    store: new DriftStore(stores.database),
    entryOf: judges.entryOf,
    isDrift: judges.isDrift,
    onDrift: (schema) => metrics.driftFields.inc({ schema: metrics.schemaLabel(schema) }),
    log,
  });
  closers.push(() => book.close());
  return book;
}

async function openSink(options: AppOptions, parts: Parts): Promise<Sink> {
  const { topics, judges, lane } = parts;
  const { validTopic } = options.settings.kafka;
  return new Sink({
    publisher: lane.publisher,
    validTopic,
    keyRequired: topics.valid.compacted,
    quarantine: await openQuarantine({ ...options, ...parts, publisher: lane.publisher }),
    faultOf: (batch, refusal) => publishRefusal(refusal, validTopic, judges.entryOf(batch.slab.schemas[refusal.row] ?? -1)),
  });
}

interface Lane {
  readonly source: Source;
  readonly publisher: Publisher;
}

interface LaneContext {
  readonly topics: Topics;
  readonly closers: Closers;
  readonly onFatal: (error: unknown) => void;
}

/**
 * Both halves of the lane, each as soon as a broker is there. The source is opened last and so closed first: nothing is consumed that cannot
 * go on.
 */
async function openLane(options: AppOptions, { topics, closers, onFatal }: LaneContext): Promise<Lane> {
  const { settings, log, metrics, health } = options;
  const { brokers, client: properties, groupId, sourceTopics, validTopic, dlqTopic, lossyHeaders } = settings.kafka;
  const lane = chooseLane(settings.kafka.lane);
  if (lane.missing !== null) log.warn(`${lane.missing}; messages go through the client lane, which is slower`);
  const sinkOf = (topic: string) => (topic === dlqTopic ? 'dlq' : 'valid');
  const client = { brokers: brokers.join(','), properties };
  const publisherOptions: PublisherOptions = {
    client: { ...client, clientId: 'dataquarantine-producer' },
    messageBytesMax: new Map([
      [validTopic, topics.valid.messageBytesMax],
      [dlqTopic, topics.dlq.messageBytesMax],
    ]),
    log,
    onPublished: (topic, seconds) => sinkTook(metrics, sinkOf(topic), seconds),
    onRetry: (topic) => sinkFailed(metrics, sinkOf(topic)),
    onFatal,
  };
  const publisher = await whenThere('kafka', () => openPublisher(lane, publisherOptions), options);
  closers.push(() => publisher.close());
  const sourceOptions: SourceOptions = {
    client: { ...client, clientId: 'dataquarantine-consumer' },
    groupId,
    topics: sourceTopics,
    lossyHeaders,
    log,
    onStatistics: ({ lag, connected }) => {
      for (const { topic, partition, messages } of lag) metrics.consumerLag.set({ topic, partition: String(partition) }, messages);
      if (connected) health.ready('kafka');
      else health.notReady('kafka', `no broker of ${brokers.join(',')} is connected`);
    },
    onCommitted: (result) => metrics.commits.inc({ result }),
    onStopped: ({ topic, partition }, error) => {
      log.error({ err: error }, 'a partition is stopped');
      health.notReady(stoppedCheck(topic, partition), error.message);
    },
    onFatal,
  };
  const source = await whenThere('kafka', () => openSource(lane, sourceOptions), options);
  closers.push(() => source.close());
  return { source, publisher };
}
