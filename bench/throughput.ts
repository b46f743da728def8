import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../src/lib/package-root.ts';
import { Child, type Line } from './child.ts';
import type { RunDatabase, Source, Stage } from './stage.ts';

/** One program's way through one full topic. */
export interface Run {
  readonly messages: number;
  /** From the moment the partitions were assigned until the last message was safe: acknowledged, or committed. */
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Processor time of the program, all threads, over that time. */
  readonly cpuMicrosPerMessage: number | null;
  readonly residentBytesPeak: number | null;
  readonly residentBytesMean: number | null;
}

const hopScript = fileURLToPath(new URL('client-hop.js', import.meta.url));
const engineScript = join(packageRoot, 'bin', 'dq.cjs');
const committedMsInterval = 25;

/** The client's own loop over the whole topic. */
export async function runHop(stage: Stage, source: Source, { reports }: { reports: boolean }): Promise<Run> {
  const before = await stage.count(stage.validTopic);
  const hop = new Child({
    script: hopScript,
    args: [...hopArgs(stage, source.topic), '--messages', String(source.messages), ...(reports ? ['--reports'] : [])],
  });
  try {
    const run = await measure(hop, source.messages, isMessage('assigned'), async () => timeOf(await hop.line(isMessage('done'))));
    await hop.stop();
    expectCount('valid topic', (await stage.count(stage.validTopic)) - before, source.messages);
    return run;
  } finally {
    await hop.kill();
  }
}

/** A hop that goes on until it is stopped, message by message. */
export function openFlowHop(stage: Stage, topic: string): Child {
  return new Child({ script: hopScript, args: [...hopArgs(stage, topic), '--flow'] });
}

export function openEngine(stage: Stage, topic: string, group: string, database: RunDatabase): Child {
  return new Child({ script: engineScript, args: ['run'], env: stage.engineEnv(topic, group, database), cwd: stage.dir });
}

/** Is this the engine's word that it has its partitions? */
export const engineAssigned = (line: Line): boolean => line['msg'] === 'rebalanced' && line['kind'] === 'assign';
export const hopAssigned = isMessage('assigned');

/** `dq run` over the whole topic, and a check that everything arrived. */
export async function runEngine(stage: Stage, source: Source, database: RunDatabase): Promise<Run> {
  const { validTopic, dlqTopic } = stage;
  const [validBefore, dlqBefore] = [await stage.count(validTopic), await stage.count(dlqTopic)];
  const group = stage.freshGroup();
  const engine = openEngine(stage, source.topic, group, database);
  try {
    const run = await measure(engine, source.messages, engineAssigned, () => committedAll(stage, source.topic, group));
    await engine.stop();
    expectCount('valid topic', (await stage.count(validTopic)) - validBefore, source.messages - source.bad);
    expectCount('dead letter topic', (await stage.count(dlqTopic)) - dlqBefore, source.bad);
    return run;
  } finally {
    await engine.kill();
  }
}

/** Waits until the group has committed the whole topic; the time of that. */
async function committedAll(stage: Stage, topic: string, group: string): Promise<number> {
  const ends = await stage.wire.ends(topic);
  for (;;) {
    const committed = (await stage.wire.committed(group, [topic])).get(topic);
    if (ends.every((end, partition) => end === 0 || committed?.[partition] === end)) return Date.now();
    await new Promise((resolve) => setTimeout(resolve, committedMsInterval));
  }
}

async function measure(child: Child, messages: number, isStart: (line: Line) => boolean, end: () => Promise<number>): Promise<Run> {
  const startedMs = timeOf(await child.line(isStart));
  const cpuBefore = child.cpuSeconds();
  child.residentBytesMean();
  const endedMs = await end();
  const cpuAfter = child.cpuSeconds();
  const seconds = (endedMs - startedMs) / 1_000;
  return {
    messages,
    seconds,
    messagesPerSecond: messages / seconds,
    cpuMicrosPerMessage: cpuBefore === null || cpuAfter === null ? null : ((cpuAfter - cpuBefore) * 1e6) / messages,
    residentBytesPeak: child.residentBytesPeak(),
    residentBytesMean: child.residentBytesMean(),
  };
}

function hopArgs(stage: Stage, topic: string): string[] {
  return ['--brokers', stage.services.kafka.brokers, '--from', topic, '--to', stage.validTopic, '--group', stage.freshGroup()];
}

function isMessage(msg: string): (line: Line) => boolean {
  return (line) => line['msg'] === msg;
}

function timeOf(line: Line): number {
  return Date.parse(line['time'] as string);
}

/** A program that loses messages is not fast. */
function expectCount(where: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`the ${where} got ${found} records instead of ${expected}`);
}
