import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What every name of ours begins with. */
export const metricsPrefix = 'dataquarantine_';

export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const durationSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Every metric there is. The number of label values is bounded: topics and sinks are those of the settings, error types a fixed set,
 * and `schema` only ever holds what {@link Metrics.schemaLabel} gives.
 */
export const metricsTable = {
  recordsProcessed: {
    kind: 'counter',
    name: 'records_processed_total',
    labels: ['topic', 'schema'],
    help: 'Source records that are settled: wherever they belong, durably.',
  },
  recordsValid: {
    kind: 'counter',
    name: 'records_valid_total',
    labels: ['topic', 'schema'],
    help: 'Records forwarded to the valid topic.',
  },
  recordsInvalid: {
    kind: 'counter',
    name: 'records_invalid_total',
    labels: ['topic', 'schema', 'error_type'],
    help: 'Records quarantined.',
  },
  recordsRemediated: { kind: 'counter', name: 'records_remediated_total', labels: [], help: 'Records mended by a rule and forwarded.' },
  remediations: {
    kind: 'counter',
    name: 'remediations_total',
    labels: ['schema', 'rule'],
    help: 'Records that a rule changed before they were forwarded, by rule; several rules may change one record.',
  },
  recordsTombstone: {
    kind: 'counter',
    name: 'records_tombstone_total',
    labels: ['topic'],
    help: 'Records without a value, forwarded as they are.',
  },
  validationDuration: {
    kind: 'histogram',
    name: 'validation_duration_seconds',
    labels: ['schema'],
    help: 'Time to judge one record; about one in 256 is measured.',
    buckets: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  },
  consumerLag: {
    kind: 'gauge',
    name: 'consumer_lag',
    labels: ['topic', 'partition'],
    help: 'Records behind the end of an assigned partition.',
  },
  endToEnd: {
    kind: 'histogram',
    name: 'end_to_end_seconds',
    labels: [],
    help: 'Age of the oldest record of a batch, by its source timestamp, when the batch was settled.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200],
  },
  inflightMessages: { kind: 'gauge', name: 'inflight_messages', labels: [], help: 'Messages consumed and not yet settled.' },
  sinkDuration: {
    kind: 'histogram',
    name: 'sink_duration_seconds',
    labels: ['sink'],
    help: 'Time until a sink had taken its part of a batch.',
    buckets: durationSeconds,
  },
  sinkErrors: { kind: 'counter', name: 'sink_errors_total', labels: ['sink'], help: 'Failed attempts of a sink.' },
  spoolBytes: { kind: 'gauge', name: 'spool_bytes', labels: [], help: 'Bytes in the spool that are not yet drained.' },
  circuitState: {
    kind: 'gauge',
    name: 'circuit_state',
    labels: ['sink'],
    help: 'State of a sink: 0 closed (it takes), 1 half open (one call tries it), 2 open (it failed and is left alone for a moment).',
  },
  floodState: {
    kind: 'gauge',
    name: 'flood_state',
    labels: ['topic'],
    help: 'Is a topic in flood, and what is done about it: 0 it is not, 1 alert, 2 sample, 3 pause (see `dq flood ls`).',
  },
  floodPointers: {
    kind: 'counter',
    name: 'flood_pointers_total',
    labels: ['topic'],
    help: 'Records of a flood that were quarantined as pointers: their payload is in the source alone.',
  },
  engineDisagreements: {
    kind: 'counter',
    name: 'engine_disagreements_total',
    labels: [],
    help: 'Records that the native engine refused and JavaScript, which has the last word, took; must stay 0.',
  },
  unaccountedRecords: {
    kind: 'gauge',
    name: 'unaccounted_records',
    labels: [],
    help: 'Records that the running ledger cannot place; must stay 0.',
  },
  intakeRecords: {
    kind: 'counter',
    name: 'intake_records_total',
    labels: ['family'],
    help: 'Dead letters of other systems that were taken in; after a failure some may be counted twice.',
  },
  intakeMissed: {
    kind: 'counter',
    name: 'intake_missed_total',
    labels: ['topic'],
    help: 'Offsets in topics of `intake.topics` that retention took before they were read; must stay 0.',
  },
  intakeLag: {
    kind: 'gauge',
    name: 'intake_lag',
    labels: ['topic'],
    help: 'Dead letters in a topic of `intake.topics` that are still to be read, as the instance sees it that reads.',
  },
  driftFields: {
    kind: 'counter',
    name: 'drift_fields_total',
    labels: ['schema'],
    help: 'Fields, or types of fields, that this process saw in valid messages and their schema does not plan; each once by version and producer.',
  },
  batches: { kind: 'counter', name: 'batches_total', labels: [], help: 'Batches settled.' },
  commits: { kind: 'counter', name: 'commits_total', labels: ['result'], help: 'Offset commits by result: ok or error.' },
  rebalances: { kind: 'counter', name: 'rebalances_total', labels: ['kind'], help: 'Rebalances by kind: assign, revoke or lost.' },
  assignedPartitions: { kind: 'gauge', name: 'assigned_partitions', labels: [], help: 'Partitions that this member reads.' },
  workerThreads: { kind: 'gauge', name: 'worker_threads', labels: [], help: 'Threads that validate.' },
} as const satisfies Record<string, MetricRow>;

type Table = typeof metricsTable;
type Instrument<Row extends MetricRow> = Row['kind'] extends 'counter'
  ? Counter<Row['labels'][number]>
  : Row['kind'] extends 'gauge'
    ? Gauge<Row['labels'][number]>
    : Histogram<Row['labels'][number]>;

/** The instruments by their names in the table, and the two things that go with them. */
export type Metrics = { readonly [Name in keyof Table]: Instrument<Table[Name]> } & {
  readonly registry: Registry;
  /** The label of a schema name: itself if some version of it has ever been known, else `unknown`. */
  schemaLabel(name: string | null): string;
  /** Makes schema names known. They stay known: a counter that went away would look like one that was reset. */
  knowSchemas(names: Iterable<string>): void;
};

/** Instruments and a registry of our own, so that several can live in one process. `processMetrics` adds Node's own. */
export function createMetrics(options: { processMetrics: boolean } = { processMetrics: false }): Metrics {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const known = new Set<string>();
  const instruments = Object.fromEntries(
    Object.entries<MetricRow>(metricsTable).map(([member, row]) => [member, instrument(row, registry)]),
  );
  return {
    ...(instruments as { [Name in keyof Table]: Instrument<Table[Name]> }),
    registry,
    schemaLabel: (name) => (name !== null && known.has(name) ? name : 'unknown'),
    knowSchemas: (names) => {
      for (const name of names) known.add(name);
    },
  };
}

function instrument(row: MetricRow, registry: Registry): Counter | Gauge | Histogram {
  const shared = { name: `${metricsPrefix}${row.name}`, help: row.help, labelNames: [...row.labels], registers: [registry] };
  if (row.kind === 'counter') return new Counter(shared);
  if (row.kind === 'gauge') return new Gauge(shared);
  return new Histogram({ ...shared, ...(row.buckets && { buckets: [...row.buckets] }) });
}
