import { fileURLToPath } from 'node:url';
import { Child, type Line } from './child.ts';
import type { Stage } from './stage.ts';
import { engineAssigned, hopAssigned, openEngine, openFlowHop } from './throughput.ts';

/** Time from sending an event to reading it in the valid topic. */
export interface Latency {
  readonly sent: number;
  readonly seen: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Pace {
  /** Events a second. */
  readonly rate: number;
  readonly seconds: number;
}

const probeScript = fileURLToPath(new URL('latency-probe.js', import.meta.url));

/** What is measured: a program on an empty topic, and how it says that it is ready. */
interface Subject {
  readonly topic: string;
  readonly child: Child;
  readonly isReady: (line: Line) => boolean;
}

export async function measureHopLatency(stage: Stage, topic: string, pace: Pace): Promise<Latency> {
  return probe(stage, pace, { topic, child: openFlowHop(stage, topic), isReady: hopAssigned });
}

export async function measureEngineLatency(stage: Stage, topic: string, pace: Pace): Promise<Latency> {
  const database = await stage.freshDatabase();
  try {
    const child = openEngine(stage, topic, stage.freshGroup(), database);
    return await probe(stage, pace, { topic, child, isReady: engineAssigned });
  } finally {
    await database.drop();
  }
}

async function probe(stage: Stage, { rate, seconds }: Pace, { topic, child, isReady }: Subject): Promise<Latency> {
  const { wire, validTopic, services } = stage;
  try {
    await child.line(isReady);
    const args = {
      brokers: services.kafka.brokers,
      from: topic,
      to: validTopic,
      offsets: (await wire.ends(validTopic)).join(','),
      rate: String(rate),
      seconds: String(seconds),
    };
    const measuring = new Child({ script: probeScript, args: Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]) });
    try {
      const { msg: _, ...latency } = await measuring.line((line) => line['msg'] === 'measured');
      await child.stop();
      return latency as unknown as Latency;
    } finally {
      await measuring.kill();
    }
  } finally {
    await child.kill();
  }
}
