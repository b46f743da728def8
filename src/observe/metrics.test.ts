import { expect, test } from 'vitest';
import { createMetrics, metricsPrefix, metricsTable } from './metrics.ts';
import { metricsPage } from './metrics-page.ts';

/** What stays as it is: other people's dashboards ask for these. */
const promised = {
  records_processed_total: ['counter', 'topic', 'schema'],
  records_valid_total: ['counter', 'topic', 'schema'],
  records_invalid_total: ['counter', 'topic', 'schema', 'error_type'],
  records_remediated_total: ['counter'],
  remediations_total: ['counter', 'schema', 'rule'],
  validation_duration_seconds: ['histogram', 'schema'],
  consumer_lag: ['gauge', 'topic', 'partition'],
  end_to_end_seconds: ['histogram'],
  inflight_messages: ['gauge'],
  sink_duration_seconds: ['histogram', 'sink'],
  sink_errors_total: ['counter', 'sink'],
  spool_bytes: ['gauge'],
  circuit_state: ['gauge', 'sink'],
  engine_disagreements_total: ['counter'],
  unaccounted_records: ['gauge'],
};

test('every metric that dashboards ask for is there, with its type and its labels', () => {
  const rows = new Map(Object.values(metricsTable).map(({ name, kind, labels }) => [name as string, [kind, ...labels]]));
  expect(Object.fromEntries(rows)).toMatchObject(promised);
});

test('names follow the conventions of Prometheus and are taken once', () => {
  const rows = Object.values(metricsTable);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  expect(rows.filter(({ name, kind }) => name.endsWith('_total') !== (kind === 'counter'))).toEqual([]);
  expect(rows.filter(({ name }) => !/^[a-z]+(_[a-z]+)*$/.test(name))).toEqual([]);
});

test('what later parts fill is exposed from the start, as 0', async () => {
  const { registry } = createMetrics();
  const text = await registry.metrics();
  for (const name of ['spool_bytes', 'engine_disagreements_total', 'unaccounted_records', 'records_remediated_total']) {
    expect(text).toMatch(new RegExp(`^${metricsPrefix}${name} 0$`, 'm'));
  }
  expect(text).toContain(`# TYPE ${metricsPrefix}circuit_state gauge`);
});

test('two sets of metrics do not share their numbers', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.recordsValid.inc({ topic: 't', schema: 's' }, 3);
  expect(await one.registry.metrics()).toContain(`${metricsPrefix}records_valid_total{topic="t",schema="s"} 3`);
  expect(await other.registry.metrics()).not.toContain('records_valid_total{');
});

test('a schema name that a message made up does not become a label', () => {
  const metrics = createMetrics();
  expect(metrics.schemaLabel('user_event')).toBe('unknown');
  metrics.knowSchemas(['user_event']);
  metrics.knowSchemas(['order_event']);
  expect([metrics.schemaLabel('user_event'), metrics.schemaLabel('made_up'), metrics.schemaLabel(null)]).toEqual([
    'user_event',
    'unknown',
    'unknown',
  ]);
});

test("Node's own metrics come along where they are asked for", async () => {
  expect(await createMetrics({ processMetrics: true }).registry.metrics()).toContain('process_resident_memory_bytes');
  expect(await createMetrics().registry.metrics()).not.toContain('process_resident_memory_bytes');
});

test('docs/metrics.md is what the table says', async () => {
  await expect(metricsPage()).toMatchFileSnapshot('../../docs/metrics.md');
});
