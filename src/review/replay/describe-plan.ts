import type { PlanCount, PlanCounts, PlanRow } from '../../store/replay-plans.ts';
import { type Forecast, forecasts, type Replay } from '../contract/replays.ts';
import { readSummary } from './summary.ts';

export interface PlanFindings extends PlanCounts {
  readonly examples: readonly { readonly id: string; readonly forecast: string; readonly message: string | null }[];
  readonly newSince: number;
}

const latelySeconds = 5;
/** Where the stages of the canary end, counted from the last start. */
const stageEnds: readonly (readonly [end: number, stage: number])[] = [
  [1, 1],
  [11, 10],
  [111, 100],
];

/** A plan as the API shows it. */
export function describePlan(row: PlanRow, { counts, lately, examples, newSince }: PlanFindings): Replay {
  const inState = (...states: readonly string[]) => sum(counts, ({ state }) => states.includes(state));
  const [published, failed] = [inState('published'), inState('failed')];
  const settled = published + failed - row.settledBefore;
  const total = inState('waiting', 'claimed', 'published', 'failed', 'cancelled');
  return {
    id: row.id,
    state: row.state,
    dry_run: row.dryRun,
    target: row.target,
    rate: row.rate,
    schema_version: row.schemaVersion,
    note: row.note,
    created_at: row.createdAt.toISOString(),
    created_by: row.by,
    started_at: row.startedAt?.toISOString() ?? null,
    started_by: row.startedBy,
    finished_at: row.finishedAt?.toISOString() ?? null,
    reason: row.reason,
    needs_second_person: row.needsSecondPerson,
    set_sha256: row.setSha256?.toString('hex') ?? '',
    report: {
      selected: sum(counts, () => true),
      forecast: Object.fromEntries(forecasts.map((forecast) => [forecast, sum(counts, (one) => one.forecast === forecast)])),
      examples: examples.map(({ id, forecast, message }) => ({ id, forecast: forecast as Forecast, message })),
      new_since: newSince,
      gap: row.gap,
    },
    progress: {
      total,
      published,
      failed,
      remaining: inState('waiting', 'claimed'),
      stage: stageEnds.find(([end]) => settled < end)?.[1] ?? total,
      rate_now: Math.round((lately / latelySeconds) * 10) / 10,
    },
    summary: row.summary === null ? null : summaryOf(row.summary),
  };
}

function summaryOf(signature: string): NonNullable<Replay['summary']> {
  const { published, failed, left_out, seconds } = readSummary(signature);
  return { published, failed, left_out, seconds, signature };
}

function sum(counts: readonly PlanCount[], fits: (one: PlanCount) => boolean): number {
  return counts.reduce((total, one) => total + (fits(one) ? one.records : 0), 0);
}
