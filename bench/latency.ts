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

export async function measureHopLatency(stage: Stage, topic: string, pace: Pace): Promise<Latency> {
  return probe(stage, topic, pace, openFlowHop(stage, topic), hopAssigned);
}

export async function measureEngineLatency(stage: Stage, topic: string, pace: Pace): Promise<Latency> {
  const database = await stage.freshDatabase();
  try {
    return await probe(stage, topic, pace, openEngine(stage, topic, stage.freshGroup(), database), engineAssigned);
  } finally {
    await database.drop();
  }
}

/** `topic` must be empty, or else the subject would first work off what lies there. */
async function probe(
  stage: Stage,
  topic: string,
  { rate, seconds }: Pace,
  subject: Child,
  isReady: (line: Line) => boolean,
): Promise<Latency> {
  const { wire, validTopic, services } = stage;
  try {
    await subject.line(isReady);
    const offsets = await wire.ends(validTopic);
    const args = {
      brokers: services.kafka.brokers,
      from: topic,
      to: validTopic,
      offsets: offsets.join(','),
      rate: String(rate),
      seconds: String(seconds),
    };
    const measuring = new Child({ script: probeScript, args: Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]) });
    try {
      const { msg: _, ...latency } = await measuring.line((line) => line['msg'] === 'measured');
      await subject.stop();
      return latency as unknown as Latency;
    } finally {
      await measuring.kill();
    }
  } finally {
    await subject.kill();
  }
}
