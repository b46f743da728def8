import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../drivers/postgres/database.ts';
import type { LedgerCounts } from '../../ledger/account.ts';
import { type VerifyReport, verify } from '../../ledger/verify.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import { createRandom } from '../random.ts';
import { faults, instancesUsual, type Scene } from './faults.ts';
import { type Death, Fleet } from './fleet.ts';
import { Load } from './load.ts';
import { ChaosStage, chaosGroup, chaosTopics } from './stage.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Messages a second. */
  readonly rate: number;
  /** Names of the faults to choose from; all when there are none. */
  readonly only: readonly string[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly starts: number;
  /** Instances that ended by themselves; each was started again. One that ended while it ran has failed the run. */
  readonly deaths: readonly Death[];
  readonly badStops: readonly Death[];
  readonly residentMbMax: number;
  /** How long it took after the last fault until everything was committed. */
  readonly recoverySeconds: number;
  readonly counts: LedgerCounts;
  readonly unaccounted: VerifyReport['unaccounted'];
  readonly disordered: VerifyReport['disordered'];
  readonly isWhole: boolean;
}

const calmMsMax = 3_000;
/** After the faults everything must be committed; past this, a partition is stuck. */
const recoveryMsMax = 240_000;

/** Real servers, three instances, a steady load, and faults that the seed chooses; then the ledger must balance. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { say, seed, rate } = options;
  say(`seed ${seed}: starting servers of this run's own …`);
  const stage = await ChaosStage.open();
  const fleet = new Fleet(stage.env, stage.dir);
  try {
    for (let left = instancesUsual; left > 0; left--) fleet.start();
    await fleet.started();
    const load = await Load.open(stage, { rate, seed });
    const played = await playFaults({ stage, fleet, random: createRandom(seed) }, options);
    await stage.heal();
    const healedMs = performance.now();
    await load.close();
    await committed(stage, say);
    const recoverySeconds = (performance.now() - healedMs) / 1_000;
    await fleet.close();
    say(`${load.sent.toLocaleString('en')} messages sent, all committed ${recoverySeconds.toFixed(1)} s after the last fault; verifying …`);
    const { counts, unaccounted, disordered } = await balance(stage);
    const isCalm = fleet.badStops.length === 0 && fleet.deaths.every(({ wasRunning }) => !wasRunning);
    // A broker that is killed may have kept what it did not acknowledge: the load sends that again.
    const isWhole = counts.unaccounted === 0 && disordered.count === 0 && counts.in >= load.sent && isCalm;
    const { starts, deaths, badStops, residentMbMax } = fleet;
    return { seed, ...played, starts, deaths, badStops, residentMbMax, recoverySeconds, counts, unaccounted, disordered, isWhole };
  } finally {
    await stage.heal().catch(() => {});
    await fleet.close();
    await stage.close();
  }
}

async function playFaults(scene: Scene, { seconds, only, say, signal }: ChaosOptions): Promise<Pick<ChaosReport, 'faults' | 'seconds'>> {
  const { fleet, random } = scene;
  const names = only.length > 0 ? only : Object.keys(faults);
  const counts: Record<string, number> = {};
  const startedMs = performance.now();
  const elapsed = () => (performance.now() - startedMs) / 1_000;
  const sampling = setInterval(() => fleet.sample(), 500);
  while (elapsed() < seconds && !signal.aborted) {
    const name = names[random.below(names.length)] as string;
    const fault = faults[name];
    if (!fault)
      throw new DataQuarantineError('DQ_CONFIG_INVALID', `there is no fault ${name}; there are ${Object.keys(faults).join(', ')}.`);
    say(`${elapsed().toFixed(0).padStart(5)} s  ${name}`);
    counts[name] = (counts[name] ?? 0) + 1;
    await fault(scene);
    await sleep(random.below(calmMsMax));
  }
  clearInterval(sampling);
  return { faults: counts, seconds: Math.round(elapsed()) };
}

/** Waits until the group has committed everything that the source holds. */
async function committed({ wire }: ChaosStage, say: (line: string) => void): Promise<void> {
  const { source } = chaosTopics;
  const deadlineMs = performance.now() + recoveryMsMax;
  for (;;) {
    const [ends, offsets] = await Promise.all([wire.ends(source), wire.committed(chaosGroup, [source])]);
    const behind = ends.flatMap((end, partition) => {
      const offset = offsets.get(source)?.[partition] ?? 0;
      return offset === end ? [] : [`${partition} at ${offset} of ${end}`];
    });
    if (behind.length === 0) return;
    if (performance.now() > deadlineMs) {
      say(`not committed after ${recoveryMsMax / 1_000} s: ${behind.join(', ')}`);
      return;
    }
    await sleep(250);
  }
}

/** The whole ledger: rows, stored payloads, dead letters. */
async function balance(stage: ChaosStage): Promise<VerifyReport> {
  const database = openDatabase({ url: stage.postgres.url, poolMax: 2 });
  const { storage } = stage;
  try {
    return await verify({
      wire: stage.wire,
      database,
      storage,
      spoolDirs: [stage.spoolDir],
      group: chaosGroup,
      sourceTopics: [chaosTopics.source],
      validTopic: chaosTopics.valid,
      dlqTopic: chaosTopics.dlq,
      from: null,
    });
  } finally {
    await storage.close();
    await database.close();
  }
}
