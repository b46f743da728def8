import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../src/lib/package-root.ts';
import { Child, type Line } from './child.ts';
import { eventOf } from './events.ts';
import { inTurn, type Rounds, type Run, say } from './run.ts';
import { type RunDatabase, type ServiceRun, type Source, type Stage, schemasOfClone, type Targets } from './stage.ts';

const hopScript = fileURLToPath(new URL('client-hop.js', import.meta.url));
const serviceScript = join(packageRoot, 'bin', 'dq.cjs');
const lookMsInterval = 20;
const lookMsMax = 500;
/** The official client's loop, and the service in its lane, take many times as long as the others, and are at their usual speed long before. */
const clientMessagesMax = 1_200_000;

/** One topic and the ways over it: the C pass-through, the service, and what people write by hand where that was asked for. */
export interface Flow {
  readonly badShare: number;
  readonly messages: number;
  /** `client` has no rounds where it was not asked for. */
  readonly runs: Rounds<'limit' | 'client' | 'service'>;
}

export interface FlowSizes {
  readonly rounds: number;
  readonly messages: number;
  /** Is the official client's own loop measured beside the limit? */
  readonly withClient: boolean;
}

export async function measureFlow(stage: Stage, badShare: number, { rounds, withClient, ...sizes }: FlowSizes): Promise<Flow> {
  const messages = process.env['DQ_LANE'] === 'client' ? Math.min(sizes.messages, clientMessagesMax) : sizes.messages;
  say(`throughput, ${badShare * 100} % bad`);
  const options = { messages, bad: Math.floor(messages * badShare), event: (number: number) => eventOf(number, badShare) };
  return stage.withSource(options, async (source) => {
    const runs = await inTurn(rounds, {
      limit: () => runLimit(stage, source),
      client: withClient ? () => runClientHop(stage, source) : null,
      service: () => runService(stage, source),
    });
    return { badShare, messages, runs };
  });
}

/** librdkafka itself over the whole topic: nothing that uses it can be faster. */
export async function runLimit(stage: Stage, source: Source): Promise<Run> {
  return stage.withTargets(source.partitions, (targets) => {
    const args = [stage.services.kafka.brokers, source.topic, targets.valid, String(source.partitions), String(source.messages)];
    return runHop(stage, source.messages, targets, new Child({ program: stage.programs.passThrough, args }));
  });
}

/** The official client's own loop over the topic, or over its beginning where it is long. */
export async function runClientHop(stage: Stage, source: Source): Promise<Run> {
  const messages = Math.min(source.messages, clientMessagesMax);
  return stage.withTargets(source.partitions, (targets) => {
    const options = {
      brokers: stage.services.kafka.brokers,
      from: source.topic,
      to: targets.valid,
      group: stage.freshGroup(),
      messages: String(messages),
    };
    const args = [hopScript, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])];
    return runHop(stage, messages, targets, new Child({ program: process.execPath, args }));
  });
}

async function runHop(stage: Stage, messages: number, targets: Targets, hop: Child): Promise<Run> {
  try {
    const run = await measure(hop, messages, hopAssigned, async () => timeOf(await hop.line(isMessage('done'))));
    await hop.stop();
    expectCount('valid topic', await stage.count(targets.valid), messages);
    return run;
  } finally {
    await hop.kill();
  }
}

/** `dq run` over the whole topic, and a check that everything arrived where it belongs and that all of it was committed. */
export async function runService(stage: Stage, source: Source, schemasDir = schemasOfClone): Promise<Run> {
  const { run } = await runServiceThen(stage, { source, schemasDir, after: async () => null });
  return run;
}

export interface ServiceOptions<Kept> {
  readonly source: Source;
  readonly schemasDir: string;
  readonly settingsFile?: string;
  /** Called when the service has ended, before its database goes. */
  readonly after: (database: RunDatabase) => Promise<Kept>;
}

/** The same, with something to do on the tables that the service has written. */
export async function runServiceThen<Kept>(
  stage: Stage,
  { source, schemasDir, settingsFile, after }: ServiceOptions<Kept>,
): Promise<{ readonly run: Run; readonly kept: Kept }> {
  return stage.withRunDatabase((database) =>
    stage.withTargets(source.partitions, async (targets) => {
      const group = stage.freshGroup();
      const service = openService(stage, { topic: source.topic, targets, group, database, schemasDir, settingsFile });
      const good = source.messages - source.bad;
      try {
        const run = await measure(service, source.messages, serviceAssigned, () => arrivedAll(stage, targets, [good, source.bad]));
        await committedAll(stage, source.topic, group);
        const { lane, engine } = await service.line(isMessage('lane and engine'));
        await service.stop();
        expectCount('valid topic', await stage.count(targets.valid), good);
        expectCount('dead letter topic', await stage.count(targets.dlq), source.bad);
        return { run: { ...run, way: { lane: String(lane), engine: String(engine) } }, kept: await after(database) };
      } finally {
        await service.kill();
      }
    }),
  );
}

/** `DQ_BENCH_PROFILE=DIR` writes a CPU profile of every thread of the service into DIR. */
export function openService(stage: Stage, run: ServiceRun): Child {
  const dir = process.env['DQ_BENCH_PROFILE'];
  const profile = dir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dir}`];
  const config = run.settingsFile === undefined ? [] : ['--config', run.settingsFile];
  const args = [...profile, serviceScript, 'run', ...config];
  return new Child({ program: process.execPath, args, env: stage.serviceEnv(run), cwd: stage.dir });
}

/** Is this the service's word that it has its partitions? */
export const serviceAssigned = (line: Line): boolean => line['msg'] === 'rebalanced' && line['kind'] === 'assign';
export const hopAssigned = isMessage('assigned');

/**
 * Waits until both topics have got what they should; the time of that. A dead letter comes last, after its payload and its row. Looking
 * takes time of the cores that are measured, and of the broker, so it is rare until the end is near.
 */
async function arrivedAll(stage: Stage, { valid, dlq }: Targets, [good, bad]: readonly [number, number]): Promise<number> {
  for (const [topic, expected] of [
    [valid, good],
    [dlq, bad],
  ] as const) {
    let [before, beforeMs] = [0, Date.now()];
    for (let count = await stage.count(topic); count < expected; count = await stage.count(topic)) {
      const nowMs = Date.now();
      const leftMs = ((expected - count) * (nowMs - beforeMs)) / (count - before);
      [before, beforeMs] = [count, nowMs];
      // Where nothing came since the last look, nothing is known.
      await pause(Number.isFinite(leftMs) ? Math.min(Math.max(leftMs / 3, lookMsInterval), lookMsMax) : lookMsInterval);
    }
  }
  return Date.now();
}

/** The client commits by its own timer, so the commit is waited for but is no part of the time. */
async function committedAll(stage: Stage, topic: string, group: string): Promise<void> {
  const ends = await stage.wire.ends(topic);
  for (;;) {
    const committed = (await stage.wire.committed(group, [topic])).get(topic);
    if (ends.every((end, partition) => end === 0 || committed?.[partition] === end)) return;
    await pause(lookMsInterval);
  }
}

async function measure(child: Child, messages: number, isStart: (line: Line) => boolean, end: () => Promise<number>): Promise<Run> {
  const startedMs = timeOf(await child.line(isStart));
  const cpuBefore = child.cpuSeconds();
  child.residentBytesMean();
  const endedMs = await Promise.race([end(), child.failed()]);
  const cpuAfter = child.cpuSeconds();
  const seconds = (endedMs - startedMs) / 1_000;
  return {
    way: null,
    messages,
    seconds,
    messagesPerSecond: messages / seconds,
    cpuMicrosPerMessage: cpuBefore === null || cpuAfter === null ? null : ((cpuAfter - cpuBefore) * 1e6) / messages,
    residentBytesPeak: child.residentBytesPeak(),
    residentBytesMean: child.residentBytesMean(),
  };
}

export function isMessage(msg: string): (line: Line) => boolean {
  return (line) => line['msg'] === msg;
}

/** Programs of ours write milliseconds, the service's log writes ISO 8601. */
function timeOf({ time }: Line): number {
  return typeof time === 'number' ? time : Date.parse(time as string);
}

/** A program that loses messages is not fast. */
function expectCount(where: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`the ${where} got ${found} records instead of ${expected}`);
}
