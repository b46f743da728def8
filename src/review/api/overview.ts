import type { Clock } from '../../lib/clock.ts';
import type { Caller } from '../../model/access.ts';
import type { Health } from '../../observe/health.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { GroupStore } from '../../store/group-store.ts';
import type { Overview } from '../contract/session.ts';

export interface OverviewsOptions {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly groups: GroupStore;
  readonly clock: Clock;
  /** How the engine of this process moves and judges messages, null where there is none. */
  readonly engine: { readonly lane: string; readonly engine: string } | null;
}

type Engine = NonNullable<Overview['engine']>;
interface Counts {
  readonly consumed: number;
  readonly valid: number;
  readonly quarantined: number;
  readonly remediated: number;
}
interface Sample {
  readonly atMs: number;
  readonly counts: Counts;
  readonly rates: Counts;
}

/** Rates are taken over at least this long. */
const rateMsMin = 900;
const circuitStates = ['closed', 'half-open', 'open'] as const;
const none: Counts = { consumed: 0, valid: 0, quarantined: 0, remediated: 0 };

/** The service at a glance: the numbers of `/metrics`, with their rates, and what waits for somebody. */
export class Overviews {
  readonly #options: OverviewsOptions;
  #last: Sample | null = null;

  constructor(options: OverviewsOptions) {
    this.#options = options;
  }

  async of({ topicPrefixes }: Caller): Promise<Overview> {
    const { groups, health, clock, engine } = this.#options;
    const { openRecords, openGroups } = await groups.totals(topicPrefixes);
    return {
      at: new Date(clock.now()).toISOString(),
      engine: engine && (await this.#engine(engine)),
      open_records: openRecords,
      open_groups: openGroups,
      checks: health.checks().map(({ name, ready, reason }) => ({ name, ready, detail: reason })),
    };
  }

  async #engine({ lane, engine }: { lane: string; engine: string }): Promise<Engine> {
    const { metrics } = this.#options;
    const { counts, rates } = await this.#sample();
    const circuits = (await metrics.circuitState.get()).values;
    const [lag, inflight, spoolBytes, unaccounted] = await Promise.all(
      [metrics.consumerLag, metrics.inflightMessages, metrics.spoolBytes, metrics.unaccountedRecords].map(sumOf),
    );
    return {
      lane,
      engine,
      ...counts,
      consumed_per_second: rates.consumed,
      valid_per_second: rates.valid,
      quarantined_per_second: rates.quarantined,
      remediated_per_second: rates.remediated,
      lag: lag ?? 0,
      inflight: inflight ?? 0,
      spool_bytes: spoolBytes ?? 0,
      unaccounted: unaccounted ?? 0,
      breakers: circuits.map(({ labels, value }) => ({ sink: String(labels.sink), state: circuitStates[value] ?? 'open' })),
    };
  }

  /** The counts now, and the rates since the last sample; whoever asks in between gets those of before. */
  async #sample(): Promise<Sample> {
    const { metrics, clock } = this.#options;
    const [consumed = 0, valid = 0, quarantined = 0, remediated = 0] = await Promise.all(
      [metrics.recordsProcessed, metrics.recordsValid, metrics.recordsInvalid, metrics.recordsRemediated].map(sumOf),
    );
    const counts = { consumed, valid, quarantined, remediated };
    const atMs = clock.monotonic();
    const last = this.#last;
    if (last && atMs - last.atMs < rateMsMin) return { ...last, counts };
    const perSecond = (name: keyof Counts) => (last ? Math.max(0, (counts[name] - last.counts[name]) / ((atMs - last.atMs) / 1_000)) : 0);
    const rates = last
      ? {
          consumed: perSecond('consumed'),
          valid: perSecond('valid'),
          quarantined: perSecond('quarantined'),
          remediated: perSecond('remediated'),
        }
      : none;
    this.#last = { atMs, counts, rates };
    return this.#last;
  }
}

/** Over all labels. */
async function sumOf(instrument: { get(): Promise<{ values: readonly { value: number }[] }> }): Promise<number> {
  return (await instrument.get()).values.reduce((sum, { value }) => sum + value, 0);
}
