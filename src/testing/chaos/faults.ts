import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy, ProxyFault } from '../fault-proxy.ts';
import type { Random } from '../random.ts';
import type { Fleet } from './fleet.ts';
import type { ChaosStage } from './stage.ts';

export interface Scene {
  readonly stage: ChaosStage;
  readonly fleet: Fleet;
  readonly random: Random;
}

/** The instances that a calm run has. */
export const instancesUsual = 3;
const instancesMax = 5;
/** Past `max.poll.interval.ms` of the stage: the instance is given up while it holds work. */
const freezeMs = 10_000;
const freezeShortMs = 4_000;

/** Every fault by its name. Each ends by itself, within some fifteen seconds, and leaves the stage whole. */
export const faults: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  kill: async ({ fleet, random }) => {
    const member = fleet.pick(random.word());
    if (member) await fleet.kill(member);
    fleet.start();
  },
  kill_all: async ({ fleet }) => {
    for (let member = fleet.pick(0); member; member = fleet.pick(0)) await fleet.kill(member);
    while (fleet.size < instancesUsual) fleet.start();
  },
  freeze_past_poll_interval: ({ fleet, random }) => freeze(fleet, random, freezeMs),
  freeze_short: ({ fleet, random }) => freeze(fleet, random, freezeShortMs),
  rolling_restart: async ({ fleet }) => {
    for (let left = fleet.size; left > 0; left--) {
      const member = fleet.pick(0);
      if (member) await fleet.stop(member);
      fleet.start();
      await sleep(1_500);
    }
  },
  join_and_leave_storm: async ({ fleet, random }) => {
    for (let turns = 6; turns > 0; turns--) {
      const member = random.share() < 0.5 ? fleet.pick(random.word()) : undefined;
      if (member && fleet.size > 1) await (random.share() < 0.5 ? fleet.kill(member) : fleet.stop(member));
      else if (fleet.size < instancesMax) fleet.start();
      await sleep(random.below(1_500));
    }
    while (fleet.size < instancesUsual) fleet.start();
  },
  broker_killed: async ({ stage }) => {
    await stage.kafka.server.kill();
    await sleep(1_000);
    await stage.kafka.server.start();
  },
  broker_frozen_then_killed: async ({ stage }) => {
    await stage.kafka.server.pause();
    await sleep(8_000);
    await stage.kafka.server.kill();
    await stage.kafka.server.start();
  },
  postgres_stopped: async ({ stage }) => {
    await stage.postgres.server.stop();
    await sleep(4_000);
    await stage.postgres.server.start();
  },
  postgres_killed: async ({ stage }) => {
    await stage.postgres.server.kill();
    await sleep(500);
    await stage.postgres.server.start();
  },
  postgres_frozen: async ({ stage }) => {
    await stage.postgres.server.pause();
    await sleep(5_000);
    await stage.postgres.server.resume();
  },
  postgres_slow: ({ stage }) => trouble(stage.postgresProxy, { kind: 'slow', latencyMs: 200 }, 5_000),
  postgres_narrow: ({ stage }) => trouble(stage.postgresProxy, { kind: 'narrow', bytesPerSecond: 50_000 }, 5_000),
  postgres_resetting: ({ stage }) => blink(stage.postgresProxy, 'reset'),
  postgres_silent: ({ stage }) => trouble(stage.postgresProxy, { kind: 'silent' }, 6_000),
  s3_stopped: async ({ stage }) => {
    await stage.s3.server.stop();
    await sleep(3_000);
    await stage.s3.server.start();
  },
  s3_slow: ({ stage }) => trouble(stage.s3Proxy, { kind: 'slow', latencyMs: 300 }, 5_000),
  s3_narrow: ({ stage }) => trouble(stage.s3Proxy, { kind: 'narrow', bytesPerSecond: 100_000 }, 5_000),
  s3_resetting: ({ stage }) => blink(stage.s3Proxy, 'reset'),
  s3_silent: ({ stage }) => trouble(stage.s3Proxy, { kind: 'silent' }, 6_000),
  s3_answers_503_after_writing: ({ stage }) => blink(stage.s3Proxy, 'answer503'),
  spool_disk_full: async ({ stage }) => {
    stage.disk?.fill();
    // Bad messages need the spool now, and find no place in it.
    await stage.postgres.server.stop();
    await sleep(5_000);
    stage.disk?.free();
    await sleep(2_000);
    await stage.postgres.server.start();
  },
};

/** The faults that this machine can play: a full disk needs one that may be mounted. */
export function faultsOf({ disk }: ChaosStage): readonly string[] {
  return Object.keys(faults).filter((name) => name !== 'spool_disk_full' || disk !== null);
}

async function freeze(fleet: Fleet, random: Random, ms: number): Promise<void> {
  const member = fleet.pick(random.word());
  if (member) await fleet.freeze(member, ms);
}

async function trouble(proxy: FaultProxy, fault: ProxyFault, ms: number): Promise<void> {
  proxy.set(fault);
  await sleep(ms);
  proxy.set({ kind: 'none' });
}

/** On and off, so that some calls pass. */
async function blink(proxy: FaultProxy, kind: 'reset' | 'answer503'): Promise<void> {
  for (let turns = 8; turns > 0; turns--) {
    await trouble(proxy, { kind }, 400);
    await sleep(300);
  }
}
