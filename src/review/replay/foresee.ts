import type { Wire } from '../../drivers/kafka-wire/wire.ts';
import { withinBytes } from '../../lib/within-bytes.ts';
import type { ForecastRow, PlanStore } from '../../store/replay-plans.ts';
import { type JudgedRecord, type JudgeRecordsOptions, type Judging, judgeRecords } from './judged-record.ts';
import { type Candidate, findOvertaken, type Overtaken } from './newer-messages.ts';

export interface ForeseeOptions extends JudgeRecordsOptions {
  readonly store: PlanStore;
  readonly wire: Wire;
  readonly includeSuperseded: boolean;
}

const pageRows = 512;
const pageBytes = 32 * 2 ** 20;

/** The dry run: says of each record of a plan what would become of it. Returns how far it looked for newer messages. */
export async function foresee(judging: Judging, options: ForeseeOptions): Promise<Omit<Overtaken, 'ordinals'>> {
  const { store, wire, includeSuperseded } = options;
  const candidates: (Candidate & { readonly forecast: ForecastRow })[] = [];
  for (let after = 0; ; ) {
    const rows = withinBytes(await store.hopefuls(judging.planId, after, pageRows), pageBytes);
    if (rows.length === 0) break;
    after = rows.at(-1)?.ordinal ?? after;
    const judged = await judgeRecords(rows, judging, options);
    await store.foresee(judging.planId, judged.map(forecastOf));
    for (const record of judged) {
      if (record.held || !record.key || record.timestamp < 0) continue;
      const { key, timestamp, partition, row } = record;
      // A copy, for the key is a view of everything that was read with it.
      candidates.push({ ordinal: row.ordinal, key: Buffer.from(key), timestamp, partition, forecast: forecastOf(record) });
    }
  }
  if (includeSuperseded) return { gap: null, lookedTo: null };
  const { ordinals, gap, lookedTo } = await findOvertaken(wire, judging.target, candidates);
  const overtaken = candidates.filter(({ ordinal }) => ordinals.has(ordinal));
  const message = `${judging.target.topic} has a newer message of its key`;
  for (let from = 0; from < overtaken.length; from += pageRows) {
    const page = overtaken.slice(from, from + pageRows).map(({ forecast }) => ({ ...forecast, forecast: 'superseded', message }));
    await store.foresee(judging.planId, page);
  }
  return { gap, lookedTo };
}

function forecastOf(record: JudgedRecord): ForecastRow {
  const { ordinal } = record.row;
  if (record.held) return { ordinal, ...record.held, chain: null };
  return { ordinal, forecast: 'will_pass', message: null, chain: record.chain };
}
