import type { Settings } from '../config/settings.ts';
import { isCompressing } from '../drivers/kafka/client-settings.ts';
import { chooseLane, openPublisher } from '../drivers/kafka/open-lane.ts';
import { openWire } from '../drivers/kafka-wire/wire.ts';
import type { Database } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import type { Log } from '../observe/log.ts';
import type { Registry } from '../registry/registry.ts';
import { BulkEdits } from '../review/repair/bulk-edits.ts';
import { Edits } from '../review/repair/edits.ts';
import { SchemaDocuments } from '../review/repair/schema-documents.ts';
import { ReplayPlans } from '../review/replay/plans.ts';
import { createHeaderFilter } from '../review/replay/replay-headers.ts';
import { ReplayRunner } from '../review/replay/runner.ts';
import { EditStore } from '../store/edits.ts';
import type { Payloads } from '../store/payloads.ts';
import { RunStore } from '../store/replay-runs.ts';
import { WorkerPool } from '../workers/pool.ts';
import { type Judges, ValueChecker } from '../workers/value-checker.ts';
import { openRegistry } from './open-registry.ts';

/** Repair and replay. */
export interface Mending {
  readonly edits: Edits;
  readonly bulk: BulkEdits;
  readonly schemas: SchemaDocuments;
  readonly plans: ReplayPlans;
  /** Judges as the pipeline does. */
  readonly checker: ValueChecker;
  /** Begins to work on replays that run. */
  start(): void;
  close(): Promise<void>;
}

export interface OpenMendingOptions {
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly payloads: Payloads;
  readonly log: Log;
}

/** Beside an engine, which has the cores. */
const threadsMax = 2;

/** Puts repair and replay together. No service is asked, and no thread started, before there is something to do. */
export function openMending(settings: Settings, { database, storage, payloads, log }: OpenMendingOptions): Mending {
  const { intake, kafka, replay } = settings;
  const judges = new LazyJudges(settings, log);
  const checker = new ValueChecker({
    judges: () => judges.open(),
    rulesOf: (topic) => settings.topics[topic] ?? { schema: null, allowed: null, strict: false },
    limits: settings.limits,
  });
  const store = new EditStore(database);
  const schemas = new SchemaDocuments(async () => (await judges.open()).registry.catalog());
  const shared = {
    payloads,
    checker,
    strip: createHeaderFilter(replay.stripHeaders),
    openWire: () => openWire({ brokers: kafka.brokers, client: kafka.client }),
    isCompressing: isCompressing(kafka.client),
    validTopic: kafka.validTopic,
  };
  const forbidden = new Set([...kafka.sourceTopics, kafka.dlqTopic, ...intake.topics]);
  const plans = new ReplayPlans({
    ...shared,
    database,
    targets: [kafka.validTopic, ...replay.targets].filter((topic) => !forbidden.has(topic)),
    rate: replay.rate,
    secondPersonOver: replay.secondPersonOver,
    onStarted: () => runner.wake(),
  });
  const runner: ReplayRunner = new ReplayRunner({
    ...shared,
    runs: new RunStore(database),
    openPublisher: (topic, messageBytesMax, onFatal) =>
      openPublisher(chooseLane(kafka.lane), {
        client: { brokers: kafka.brokers.join(','), properties: kafka.client, clientId: 'dataquarantine-replay' },
        messageBytesMax: new Map([[topic, messageBytesMax]]),
        log,
        onFatal,
      }),
    finish: () => plans.finishOne(),
    failureShareMax: replay.failurePercentMax / 100,
    log,
  });
  return {
    edits: new Edits({ storage, payloads, store, checker }),
    bulk: new BulkEdits({ storage, payloads, store, checker, schemas }),
    schemas,
    plans,
    checker,
    start: () => runner.start(),
    close: async () => {
      await runner.close();
      await judges.close();
    },
  };
}

interface OpenJudges extends Judges {
  readonly pool: WorkerPool;
  readonly registry: Registry;
}

/** Threads and schemas of the review's own, from the first moment that they are needed. */
class LazyJudges {
  readonly #settings: Settings;
  readonly #log: Log;
  #opening: Promise<OpenJudges> | null = null;

  constructor(settings: Settings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  open(): Promise<OpenJudges> {
    if (this.#opening) return this.#opening;
    const opening = this.#open();
    opening.catch(() => {
      this.#opening = null;
    });
    this.#opening = opening;
    return opening;
  }

  async close(): Promise<void> {
    const open = await this.#opening?.catch(() => null);
    await open?.registry.close();
    await open?.pool.close();
  }

  async #open(): Promise<OpenJudges> {
    const { validation, schemas } = this.#settings;
    const pool = await WorkerPool.open({
      threads: Math.min(threadsMax, validation.workers),
      onError: (error) => this.#log.error({ err: error }, 'a worker thread of the review died and was replaced'),
    });
    try {
      const registry = await openRegistry(schemas, pool, this.#log);
      return { pool, registry };
    } catch (error) {
      await pool.close();
      throw error;
    }
  }
}
