import { bestCopy, bestRate, leastCpu, type Measured, ratio, residentPeak } from './report.ts';

/** One bar of the project and what was measured against it; null where nothing was. */
export interface Bar {
  readonly what: string;
  readonly bar: string;
  readonly found: string;
  readonly met: boolean | null;
  /** The part of the bench that measures it, where a whole run does not. */
  readonly part?: string;
}

/** A value and what it may be at the least, or at the most. */
interface Limits {
  readonly least?: number;
  readonly most?: number | null;
  readonly unit?: string;
  readonly digits?: number;
}

const pacedRate = 10_000;

/** What the figures are held against. Throughput is best round against best round. */
export function barsOf(measured: Measured): Bar[] {
  const { floods, latencies, micro } = measured;
  const paced = latencies.find(({ rate }) => rate === pacedRate);
  const floodRate = bestRate(floods.map(({ service }) => service));
  const peak = residentPeak(measured);
  return [
    bar('throughput ÷ C pass-through, 0.5 % bad', flowRatio(measured, 0.005), { least: 0.7, digits: 2 }),
    bar('throughput ÷ C pass-through, 5 % bad', flowRatio(measured, 0.05), { least: 0.4, digits: 2 }),
    bar('processor time a message, 0.5 % bad', flowCpu(measured, 0.005), { most: 4, unit: ' µs', digits: 1 }),
    bar('processor time a message, 5 % bad', flowCpu(measured, 0.05), { most: 4, unit: ' µs', digits: 1 }),
    bar('resident memory at full speed', peak === null ? null : peak / 1e6, { most: 400, unit: ' MB' }),
    bar('p50 at 10,000/s', paced?.service.p50Ms ?? null, { most: 8, unit: ' ms', digits: 1 }),
    bar('p99 at 10,000/s: 3 × the bare hop + 10 ms', paced?.service.p99Ms ?? null, {
      most: paced ? 3 * paced.hop.p99Ms + 10 : null,
      unit: ' ms',
      digits: 1,
    }),
    bar('all bad, messages a second', floodRate, { least: 15_000 }),
    bar('all bad ÷ COPY into the indexed table', ratio(floodRate, bestCopy(floods, 'indexedCopy')), { least: 0.25, digits: 2 }),
    { ...bar('throughput with the spool ÷ without, least', safetyRatio(measured), { least: 0.97, digits: 2 }), part: 'safety' },
    bar('native validation: × the speed of parse + ajv', ratio(micro?.['parse + ajv'] ?? null, micro?.['native'] ?? null), {
      least: 5,
      digits: 1,
    }),
  ];
}

function bar(what: string, found: number | null, { least, most, unit = '', digits = 0 }: Limits): Bar {
  const words = (value: number) => `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
  const said = [
    ...(least === undefined ? [] : [`≥ ${words(least)}`]),
    ...(most === undefined || most === null ? [] : [`≤ ${words(most)}`]),
  ];
  const met = found === null ? null : found >= (least ?? Number.NEGATIVE_INFINITY) && found <= (most ?? Number.POSITIVE_INFINITY);
  return { what, bar: said.join(', '), found: found === null ? '–' : words(found), met };
}

function flowRatio({ flows }: Measured, badShare: number): number | null {
  const runs = flows.find((flow) => flow.badShare === badShare)?.runs;
  return runs ? ratio(bestRate(runs.service), bestRate(runs.limit)) : null;
}

function safetyRatio({ safeties }: Measured): number | null {
  const ratios = safeties.flatMap(({ runs }) => ratio(bestRate(runs.on), bestRate(runs.off)) ?? []);
  return ratios.length === 0 ? null : Math.min(...ratios);
}

function flowCpu({ flows }: Measured, badShare: number): number | null {
  const runs = flows.find((flow) => flow.badShare === badShare)?.runs;
  return runs ? leastCpu(runs.service) : null;
}
