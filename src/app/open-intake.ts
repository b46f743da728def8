import type { Settings } from '../config/settings.ts';
import { isolationOf, openWire } from '../drivers/kafka-wire/wire.ts';
import type { Database } from '../drivers/postgres/database.ts';
import type { ObjectStore } from '../drivers/storage/object-store.ts';
import { systemClock } from '../lib/clock.ts';
import { deadLetterFamilies } from '../model/dead-letter-family.ts';
import type { Health } from '../observe/health.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Intake } from '../review/intake/intake.ts';
import { ForeignStore } from '../store/foreign-store.ts';
import { RecordStore } from '../store/record-store.ts';
import type { ValueChecker } from '../workers/value-checker.ts';

export interface OpenIntakeOptions {
  readonly database: Database;
  readonly storage: ObjectStore;
  readonly checker: ValueChecker;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
}

/** What takes dead letters of other systems in; null where the settings name no topic of them. No service is asked before it runs. */
export function openIntake({ intake, kafka }: Settings, options: OpenIntakeOptions): Intake | null {
  const { database, log, metrics, health } = options;
  if (intake.topics.length === 0) return null;
  for (const family of deadLetterFamilies) metrics.intakeRecords.inc({ family }, 0);
  const topics = [...new Set(intake.topics)];
  for (const topic of topics) metrics.intakeMissed.inc({ topic }, 0);
  const troubles = new Map<string, string>();
  return new Intake({
    ...options,
    topics,
    openWire: () => openWire({ brokers: kafka.brokers, client: kafka.client, isolation: isolationOf(kafka.client) }),
    records: new RecordStore(database),
    foreign: new ForeignStore(database),
    clock: systemClock,
    onTaken: (family, records) => metrics.intakeRecords.inc({ family }, records),
    onMissed: (topic, offsets) => metrics.intakeMissed.inc({ topic }, offsets),
    onLag: (topic, messages) => (messages === null ? metrics.intakeLag.remove({ topic }) : metrics.intakeLag.set({ topic }, messages)),
    onTrouble: (topic, message) => {
      const check = `intake ${topic}`;
      if (message === null) {
        if (troubles.delete(topic)) health.forget(check);
        return;
      }
      health.readyBut(check, `dead letters of ${topic} wait: ${message}`);
      if (troubles.get(topic) !== message) log.warn({ topic }, `dead letters of ${topic} wait: ${message}; tried again`);
      troubles.set(topic, message);
    },
  });
}
