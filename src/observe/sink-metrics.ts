import type { Metrics } from './metrics.ts';

/** The values of the label `sink`: the two target topics, the two stores, and the spool. */
const sinks = ['valid', 'dlq', 'storage', 'postgres', 'spool'] as const;
export type SinkLabel = (typeof sinks)[number];

const circuit = { closed: 0, half_open: 1, open: 2 } as const;
/** Those whose circuit is one of a policy's; of the others, the last attempt decides. */
const guarded: ReadonlySet<SinkLabel> = new Set(['storage', 'postgres']);

/** Makes the series of every sink: one that is there from the start can be asked for its rate. */
export function announceSinks(metrics: Metrics): void {
  for (const sink of sinks) {
    metrics.sinkErrors.inc({ sink }, 0);
    metrics.circuitState.set({ sink }, circuit.closed);
  }
}

export function sinkTook(metrics: Metrics, sink: SinkLabel, seconds: number): void {
  metrics.sinkDuration.observe({ sink }, seconds);
  if (!guarded.has(sink)) circuitIs(metrics, sink, 'closed');
}

/** An attempt failed and is repeated. */
export function sinkFailed(metrics: Metrics, sink: SinkLabel): void {
  metrics.sinkErrors.inc({ sink });
  if (!guarded.has(sink)) circuitIs(metrics, sink, 'open');
}

export function circuitIs(metrics: Metrics, sink: SinkLabel, state: keyof typeof circuit): void {
  metrics.circuitState.set({ sink }, circuit[state]);
}
