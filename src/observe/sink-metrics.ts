import type { Metrics } from './metrics.ts';

/** The values of the label `sink`: the two target topics and the two stores. */
const sinks = ['valid', 'dlq', 'storage', 'postgres'] as const;
export type SinkLabel = (typeof sinks)[number];

const circuit = { closed: 0, open: 2 } as const;

/** Makes the series of every sink: one that is there from the start can be asked for its rate. */
export function announceSinks(metrics: Metrics): void {
  for (const sink of sinks) {
    metrics.sinkErrors.inc({ sink }, 0);
    metrics.circuitState.set({ sink }, circuit.closed);
  }
}

export function sinkTook(metrics: Metrics, sink: SinkLabel, seconds: number): void {
  metrics.sinkDuration.observe({ sink }, seconds);
  metrics.circuitState.set({ sink }, circuit.closed);
}

/** An attempt failed and is repeated. */
export function sinkFailed(metrics: Metrics, sink: SinkLabel): void {
  metrics.sinkErrors.inc({ sink });
  metrics.circuitState.set({ sink }, circuit.open);
}
