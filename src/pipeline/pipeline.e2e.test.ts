import { expect, test } from 'vitest';
import { ClientPublisher } from '../drivers/kafka/client-publisher.ts';
import { silentLog } from '../observe/log.ts';
import { buildMessage } from '../testing/build-batch.ts';
import { openStage, type Stage } from '../testing/engine.ts';
import { publishMessages } from '../testing/publish-messages.ts';
import { sampleEvents } from '../testing/sample-events.ts';

/** Writes sample events, 20 % of them bad, over all partitions of the source; returns how many. */
async function feed(stage: Stage, count: number, seed: number): Promise<void> {
  const client = { brokers: stage.env['DQ_KAFKA_BROKERS'] as string, clientId: 'feeder', properties: {} };
  const publisher = await ClientPublisher.open({
    client,
    messageBytesMax: new Map([[stage.source, 2 ** 20]]),
    log: silentLog(),
    onFatal: () => {},
  });
  const events = sampleEvents({ seed, invalid: 0.2 });
  for (let fed = 0; fed < count; fed += 1_000) {
    const records = Array.from({ length: Math.min(1_000, count - fed) }, (_, index) => {
      const { key, value, headers } = events.next();
      return buildMessage({ partition: (fed + index) % 8, timestamp: 1_767_225_600_000 + fed + index, key, value, headers });
    });
    await publishMessages(publisher, stage.source, records);
  }
  await publisher.close();
}

test.each(['native', 'client'])('in the %s lane every message is settled and accounted for, and SIGTERM ends with code 0', async (lane) => {
  const stage = await openStage({ env: { DQ_LANE: lane } });
  await feed(stage, 20_000, 1);
  const engine = await stage.start();
  await stage.committed();
  const ready = await fetch(`${engine.address}/readyz`);
  expect(ready.status).toBe(200);
  const metrics = await (await fetch(`${engine.address}/metrics`)).text();
  expect(metrics).toMatch(/^dataquarantine_records_processed_total\{/m);
  expect(await engine.stop()).toBe(0);
  const { counts, unaccounted } = await stage.verify();
  expect(unaccounted).toEqual([]);
  expect(counts).toMatchObject({ in: 20_000, duplicates: 0, unaccounted: 0, reclassified: 0 });
  expect(counts.valid + counts.quarantined + counts.tombstones).toBe(20_000);
  expect(counts.quarantined).toBeGreaterThan(3_000);
});

test('killed in the middle six times, it loses nothing and writes no second row', async () => {
  // The broker waits this long for a dead member before its partitions go to another; six seconds is the least it allows.
  const stage = await openStage({ settings: 'kafka:\n  client:\n    session.timeout.ms: 6000\n' });
  for (let round = 1; round <= 6; round++) {
    await feed(stage, 20_000, round);
    const engine = await stage.start();
    // Killed while messages are on their way: some are acknowledged and not yet committed.
    const before = await settledRows(stage);
    while ((await settledRows(stage)) === before) await new Promise((resolve) => setTimeout(resolve, 5));
    await engine.kill();
  }
  const engine = await stage.start();
  await stage.committed();
  expect(await engine.stop()).toBe(0);
  const { counts, unaccounted } = await stage.verify();
  expect(counts).toMatchObject({ in: 120_000, unaccounted: 0 });
  expect(unaccounted).toEqual([]);
  const { rows } = await stage.database.withClient((client) =>
    client.query('SELECT count(*)::int AS rows, count(DISTINCT (topic, partition, "offset"))::int AS records FROM quarantine_records'),
  );
  expect(rows[0]).toEqual({ rows: counts.quarantined, records: counts.quarantined });
});

async function settledRows(stage: Stage): Promise<number> {
  const { rows } = await stage.database.withClient((client) =>
    client.query<{ count: number }>('SELECT count(*)::int AS count FROM quarantine_records'),
  );
  return rows[0]?.count ?? 0;
}
