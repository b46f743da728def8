import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../drivers/postgres/database.ts';
import type { LedgerCounts } from '../../ledger/account.ts';
import { type VerifyReport, verify } from '../../ledger/verify.ts';
import { DataQuarantineError } from '../../lib/errors.ts';
import { createRandom } from '../random.ts';
import { faults, faultsOf, instancesUsual, type Scene } from './faults.ts';
import { type Death, Fleet } from './fleet.ts';
import type { LateCopies } from './late-copies.ts';
import { Load } from './load.ts';
import { type ChaosLane, ChaosStage, chaosGroup, chaosTopics } from './stage.ts';
import { type CommitBack, type MemoryMinute, Watch } from './watch.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly lane: ChaosLane;
  /** Messages a second. */
  readonly rate: number;
  /** Names of the faults to choose from; all when there are none. */
  readonly only: readonly string[];
  /** Are the logs of the instances kept in any case? They are if something was found. */
  readonly keepsLogs: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that this machine cannot play. */
  readonly leftOut: readonly string[];
  readonly starts: number;
  /** Instances that ended by themselves; each was started again. None should: what is away is waited for. */
  readonly deaths: readonly Death[];
  readonly badStops: readonly Death[];
  readonly memory: readonly MemoryMinute[];
  /** How long it took after the last fault until everything was committed. */
  readonly recoverySeconds: number;
  readonly counts: LedgerCounts;
  readonly unaccounted: VerifyReport['unaccounted'];
  readonly disordered: VerifyReport['disordered'];
  /** When copies came, by what was seen from outside. Repeats may come of uncommitted work only. */
  readonly copies: LateCopies;
  readonly commitsBack: readonly CommitBack[];
  readonly isWhole: boolean;
}

const calmMsMax = 3_000;
/** After the faults everything must be committed; past this, a partition is stuck. */
const recoveryMsMax = 240_000;
/** For so many seconds of the run there must be one look from outside. Twice a second is usual; while the broker is away there is none. */
const lookSecondsMax = 5;

/** Real servers, three instances, a steady load, and faults that the seed chooses; then the ledger must balance. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { say, seed, rate } = options;
  say(`seed ${seed}: starting servers of this run's own …`);
  const stage = await ChaosStage.open(options.lane, say);
  const fleet = new Fleet(stage);
  let isWhole = false;
  let watch: Watch | null = null;
  try {
    for (let left = instancesUsual; left > 0; left--) fleet.start();
    await fleet.started();
    watch = await Watch.start(stage, fleet);
    const load = await Load.open(stage, { rate, seed });
    const played = await playFaults({ stage, fleet, random: createRandom(seed) }, watch, options);
    await stage.heal();
    const healedMs = performance.now();
    await load.close();
    await committed(stage, say);
    const recoverySeconds = (performance.now() - healedMs) / 1_000;
    await watch.close();
    await fleet.close();
    say(`${load.sent.toLocaleString('en')} messages sent, all committed ${recoverySeconds.toFixed(1)} s after the last fault; verifying …`);
    const { counts, unaccounted, disordered } = await balance(stage);
    const copies = await watch.judge(stage.wire);
    const { commitsBack, memory } = watch;
    const { starts, deaths, badStops } = fleet;
    const isCalm = badStops.length === 0 && deaths.length === 0;
    const isSeen = copies.looks > played.seconds / lookSecondsMax;
    const isInTime = isSeen && copies.afterCommit.length === 0 && copies.unexplained.length === 0 && commitsBack.length === 0;
    // A broker that is killed may have kept what it did not acknowledge: the load sends that again.
    isWhole = counts.unaccounted === 0 && disordered.count === 0 && counts.in >= load.sent && isCalm && isInTime;
    const found = { counts, unaccounted, disordered, copies, commitsBack };
    return { seed, ...played, starts, deaths, badStops, memory, recoverySeconds, ...found, isWhole };
  } finally {
    await watch?.close();
    await stage.heal().catch(() => {});
    await fleet.close();
    const isKept = options.keepsLogs || !isWhole;
    if (isKept) say(`the logs of the instances are kept in ${stage.dir}`);
    await stage.close({ isKept });
  }
}

async function playFaults(
  scene: Scene,
  watch: Watch,
  { seconds, only, say, signal }: ChaosOptions,
): Promise<Pick<ChaosReport, 'faults' | 'leftOut' | 'seconds'>> {
  const { random, stage } = scene;
  const known = only.length > 0 ? only : Object.keys(faults);
  const names = known.filter((name) => faultsOf(stage).includes(name));
  const leftOut = known.filter((name) => !names.includes(name));
  for (const name of leftOut) if (!faults[name]) throw noSuchFault(name);
  if (leftOut.length > 0) say(`this machine cannot play ${leftOut.join(', ')}`);
  const counts: Record<string, number> = {};
  const startedMs = performance.now();
  const elapsed = () => (performance.now() - startedMs) / 1_000;
  while (elapsed() < seconds && !signal.aborted) {
    const name = names[random.below(names.length)] as string;
    const fault = faults[name];
    if (!fault) throw noSuchFault(name);
    say(`${elapsed().toFixed(0).padStart(5)} s  ${name.padEnd(30)} ${watch.progress}`);
    counts[name] = (counts[name] ?? 0) + 1;
    await fault(scene);
    await sleep(random.below(calmMsMax));
  }
  return { faults: counts, leftOut, seconds: Math.round(elapsed()) };
}

function noSuchFault(name: string): DataQuarantineError {
  return new DataQuarantineError('DQ_CONFIG_INVALID', `there is no fault ${name}; there are ${Object.keys(faults).join(', ')}.`);
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
