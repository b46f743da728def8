import type { Settings } from '../config/settings.ts';
import type { Publisher } from '../drivers/kafka/lane.ts';
import type { Topics } from '../drivers/kafka-wire/topics.ts';
import type { Database } from '../drivers/postgres/database.ts';
import { Spool } from '../drivers/spool/spool.ts';
import { spoolFolder } from '../drivers/spool/spool-folder.ts';
import { volumeOf } from '../drivers/spool/volume.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { systemClock } from '../lib/clock.ts';
import { isRetryable } from '../lib/errors.ts';
import { SinkPolicy } from '../lib/sink-policy.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { circuitIs, sinkFailed, sinkTook } from '../observe/sink-metrics.ts';
import { Quarantine } from '../pipeline/sink/quarantine.ts';
import { SpoolDrain } from '../pipeline/sink/spool-drain.ts';
import { type SinkName, Stores } from '../pipeline/sink/stores.ts';
import { createRecordId } from '../store/record-id.ts';
import { RecordStore } from '../store/record-store.ts';

const tuning = {
  loadMessagesMax: 2_048,
  loadBytesMax: 8 * 2 ** 20,
  loadLingerMsMax: 50,
  loadsMax: 4,
  /** How long a store may take for a load while the spool could take it. */
  callMsMax: 3_000,
  failuresMax: 3,
  spoolFileBytesMax: 2 * 2 ** 20,
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
  const spool = await openSpool(options);
  const mayWait = spool !== null && (await mayCommit(options, spool));
  const abandon = new AbortController();
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
    signal: abandon.signal,
    onSpooled: (_, seconds) => sinkTook(metrics, 'spool', seconds),
    onRefusedKept: () => {
      circuitIs(metrics, 'spool', 'closed');
      health.ready('spool');
    },
    onSpoolRefused: (error) => {
      sinkFailed(metrics, 'spool');
      health.notReady('spool', `${error.message} Consumption waits.`);
      log.warn({ sink: 'spool', code: error.code }, `${error.message} Consumption waits until the spool or the stores take more`);
    },
  });
  if (spool) closers.push(startDrain(options, { spool, quarantine, signal: abandon.signal }));
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

/** Null where the folder cannot be used: the service then goes on without it, as it does where offsets must not hang on it. */
async function openSpool({ settings, log, metrics, health, topics, closers }: OpenQuarantineOptions): Promise<Spool | null> {
  const { dir, bytesMax } = settings.spool;
  try {
    const spool = await Spool.open({
      dir: spoolFolder(dir, { clusterId: topics.cluster.clusterId, group: settings.kafka.groupId }),
      bytesMax,
      fileBytesMax: Math.min(bytesMax, tuning.spoolFileBytesMax),
      onBytes: (bytes) => metrics.spoolBytes.set(bytes),
      onDamage: (damage) => {
        metrics.sinkErrors.inc({ sink: 'spool' });
        if (damage.kind === 'torn') log.warn(damage, 'a spool file had a torn tail, which was cut: a crash left it half written');
        else log.error(damage, 'a spool file is damaged; what cannot be read was put aside, and dq verify names its records');
      },
      onSkipped: (skipped) => {
        metrics.sinkErrors.inc({ sink: 'spool' });
        if (skipped.isGone)
          log.error(skipped, 'a spool file was removed by somebody else before it was drained; dq verify names its records');
        else log.error(skipped, 'a spool file cannot be read; those behind it are drained first, and it is tried again');
      },
    });
    closers.push(() => spool.close());
    if (!spool.isEmpty) log.info({ bytes: spool.bytes, dir: spool.dir }, 'the spool holds quarantined messages; they are drained now');
    return spool;
  } catch (error) {
    if (!isRetryable(error)) throw error;
    log.warn({ code: error.code }, `${error.message}; offsets wait instead while a store is away`);
    health.readyBut('spool', `not in use: ${error.message}`);
    return null;
  }
}

/** May offsets be committed on the spool alone (`spool.commit`)? */
async function mayCommit({ settings, log, health }: OpenQuarantineOptions, spool: Spool): Promise<boolean> {
  const { commit } = settings.spool;
  const passing = commit === 'auto' ? ((await volumeOf(spool.dir))?.passing ?? null) : null;
  if (commit !== false && passing === null) {
    health.ready('spool');
    return true;
  }
  const why = passing === null ? 'spool.commit is false' : `${spool.dir} lies on ${passing}, which may go with the process`;
  log.warn(`${why}; while a store is away, offsets wait and consumption pauses at its limit`);
  health.readyBut('spool', `not in use: ${why}`);
  return false;
}

interface Draining {
  readonly spool: Spool;
  readonly quarantine: Quarantine;
  readonly signal: AbortSignal;
}

/** Starts it; returns what waits a moment for its end. What is half drained then is drained again after the next start. */
function startDrain(
  { log, metrics, health, onFatal }: OpenQuarantineOptions,
  { spool, quarantine, signal }: Draining,
): () => Promise<void> {
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
      health.readyBut('spool', `a record was refused and put aside: ${path}`);
      log.error({ sink: 'spool', code: error.code, path }, `${error.message}; this record of the spool was put aside, the others go on`);
    },
    onTrouble: (error) => {
      sinkFailed(metrics, 'spool');
      log.warn({ sink: 'spool', code: error.code }, `${error.message}; trying again`);
    },
  });
  const ended = drain.run().catch(onFatal);
  return async () => {
    const timer = new AbortController();
    await Promise.race([ended, systemClock.sleep(tuning.drainEndMsMax, timer.signal)]);
    timer.abort();
  };
}
