import type { Settings } from '../config/settings.ts';
import type { Publisher } from '../drivers/kafka/lane.ts';
import type { Topics } from '../drivers/kafka-wire/topics.ts';
import type { Database } from '../drivers/postgres/database.ts';
import type { Spool } from '../drivers/spool/spool.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { systemClock } from '../lib/clock.ts';
import { SinkPolicy } from '../lib/sink-policy.ts';
import { within } from '../lib/within.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { circuitIs, sinkFailed, sinkTook } from '../observe/sink-metrics.ts';
import { Quarantine } from '../pipeline/sink/quarantine.ts';
import { SpoolDrain } from '../pipeline/sink/spool-drain.ts';
import { type SinkName, Stores } from '../pipeline/sink/stores.ts';
import { createRecordId } from '../store/record-id.ts';
import { RecordStore } from '../store/record-store.ts';
import { LateSpool } from './late-spool.ts';

const tuning = {
  loadMessagesMax: 2_048,
  loadBytesMax: 8 * 2 ** 20,
  loadLingerMsMax: 100,
  loadsMax: 4,
  /** With as many as a slab holds in each, some quarter of a million messages that a crash brings again. */
  batchesMax: 32,
  /** How long a store may take for a load while the spool could take it. */
  callMsMax: 3_000,
  failuresMax: 3,
  spoolMsMax: 10_000,
  drainEndMsMax: 1_000,
};

/** Connections that quarantine needs: one a load, one for the drain, one for the flood breakers, one to spare. */
export const quarantineConnections: number = tuning.loadsMax + 3;

export interface OpenQuarantineOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly topics: Topics;
  readonly stores: { readonly database: Database; readonly storage: ObjectStore };
  readonly publisher: Publisher;
  /** Where to put what must be closed; called in the reverse order. */
  readonly closers: (() => Promise<void>)[];
  readonly onFatal: (error: unknown) => void;
}

/** Quarantine with its two stores, its spool, and what drains it. The last closer ends all that still tries again. */
export async function openQuarantine(options: OpenQuarantineOptions): Promise<Quarantine> {
  const { settings, log, metrics, health, topics, publisher, closers } = options;
  const abandon = new AbortController();
  const spool = new LateSpool({ ...options, signal: abandon.signal });
  const mayWait = await spool.mayCommit();
  const quarantine = new Quarantine({
    stores: new Stores({
      storage: options.stores.storage,
      records: new RecordStore(options.stores.database),
      policies: { storage: policyOf('storage', options, mayWait), postgres: policyOf('postgres', options, mayWait) },
      clock: systemClock,
      callMsMax: tuning.callMsMax,
      onDuration: (sink, seconds) => sinkTook(metrics, sink, seconds),
    }),
    spool: mayWait ? spool : null,
    spoolMsMax: tuning.spoolMsMax,
    publisher,
    dlqTopic: settings.kafka.dlqTopic,
    dlqPartitions: topics.dlqPartitions,
    dlqBytesMax: topics.dlq.messageBytesMax,
    identify: createRecordId(topics.cluster),
    clock: systemClock,
    loadMessagesMax: tuning.loadMessagesMax,
    loadBytesMax: tuning.loadBytesMax,
    lingerMsMax: tuning.loadLingerMsMax,
    loadsMax: tuning.loadsMax,
    batchesMax: tuning.batchesMax,
    signal: abandon.signal,
    onSpooled: (_, seconds) => sinkTook(metrics, 'spool', seconds),
    onRefusedKept: () => {
      circuitIs(metrics, 'spool', 'closed');
      spool.showHealth();
    },
    onSpoolRefused: (error) => {
      sinkFailed(metrics, 'spool');
      health.notReady('spool', `${error.message} Consumption waits.`);
      log.warn({ sink: 'spool', code: error.code }, `${error.message} Consumption waits until the spool or the stores take more`);
    },
  });
  closers.push(() => spool.close());
  let drainEnded = async (): Promise<void> => {};
  closers.push(() => drainEnded());
  await spool.open((opened) => {
    drainEnded = startDrain(options, { spool: opened, late: spool, quarantine, signal: abandon.signal });
  });
  closers.push(async () => abandon.abort());
  return quarantine;
}

const storeNames: Readonly<Record<SinkName, string>> = { storage: 'the object store', postgres: 'PostgreSQL' };
const awayCodes = { storage: 'DQ_STORAGE_UNREACHABLE', postgres: 'DQ_POSTGRES_UNREACHABLE' } as const;

function policyOf(sink: SinkName, { log, metrics, health }: OpenQuarantineOptions, mayWait: boolean): SinkPolicy {
  let reason = '';
  return new SinkPolicy({
    sink: storeNames[sink],
    awayCode: awayCodes[sink],
    failuresMax: tuning.failuresMax,
    onState: (state) => {
      circuitIs(metrics, sink, state);
      if (state === 'closed') {
        health.ready(sink);
        log.info({ sink }, `${storeNames[sink]} is back`);
      } else if (mayWait) health.readyBut(sink, `${reason}; quarantine goes to the spool meanwhile`);
      else health.notReady(sink, reason);
    },
    onFailure: (error) => {
      reason = error.message;
      sinkFailed(metrics, sink);
      log.warn({ sink, code: error.code }, `${error.message}; trying again`);
    },
  });
}

interface Draining {
  readonly spool: Spool;
  readonly late: LateSpool;
  readonly quarantine: Quarantine;
  readonly signal: AbortSignal;
}

/** Starts it; returns what waits a moment for its end. What is half drained then is drained again after the next start. */
function startDrain({ log, metrics, onFatal }: OpenQuarantineOptions, { spool, late, quarantine, signal }: Draining): () => Promise<void> {
  const drain = new SpoolDrain({
    spool,
    keep: (records) => quarantine.keepSpooled(records),
    clock: systemClock,
    recordsMax: tuning.loadMessagesMax,
    signal,
    onDrained: (records) => {
      circuitIs(metrics, 'spool', 'closed');
      log.info({ records, bytesLeft: spool.bytes }, 'spooled messages were brought to quarantine');
    },
    onRefused: (error, path) => {
      metrics.sinkErrors.inc({ sink: 'spool' });
      late.putAside(path);
      log.error({ sink: 'spool', code: error.code, path }, `${error.message}; this record of the spool was put aside, the others go on`);
    },
    onTrouble: (error) => {
      sinkFailed(metrics, 'spool');
      log.warn({ sink: 'spool', code: error.code }, `${error.message}; trying again`);
    },
  });
  const ended = drain.run().catch(onFatal);
  return async () => void (await within(tuning.drainEndMsMax, ended));
}
