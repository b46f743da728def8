import { Child, type Line } from './child.ts';
import { blankEvent } from './events.ts';
import { say } from './run.ts';
import { partitionsUsual as partitions, type Stage, schemasOfClone, type Targets } from './stage.ts';
import { hopAssigned, openService, serviceAssigned } from './throughput.ts';

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

/** The same pace through the bare hop, which is librdkafka message by message, and through the service. */
export interface PacedLatency {
  readonly rate: number;
  readonly hop: Latency;
  readonly service: Latency;
}

export async function measureLatencies(stage: Stage, paces: readonly Pace[]): Promise<PacedLatency[]> {
  say('latency');
  // A broker that has just started takes a second for what later takes milliseconds.
  await measureHop(stage, { rate: Math.max(...paces.map(({ rate }) => rate)), seconds: 3 });
  const latencies: PacedLatency[] = [];
  for (const pace of paces) {
    const hop = await measureHop(stage, pace);
    const service = await measureService(stage, pace);
    latencies.push({ rate: pace.rate, hop, service });
    say(`  ${pace.rate}/s: p50 and p99 of the hop ${quantiles(hop)}; of the service ${quantiles(service)}`);
  }
  return latencies;
}

/** A program on an empty topic, and how it says that it is ready. */
interface Subject {
  readonly topic: string;
  readonly targets: Targets;
  readonly child: Child;
  readonly isReady: (line: Line) => boolean;
}

async function measureHop(stage: Stage, pace: Pace): Promise<Latency> {
  return onEmptyTopics(stage, (topic, targets) => {
    const args = [stage.services.kafka.brokers, topic, targets.valid, String(partitions), '0'];
    const child = new Child({ program: stage.programs.passThrough, args });
    return probe(stage, pace, { topic, targets, child, isReady: hopAssigned });
  });
}

async function measureService(stage: Stage, pace: Pace): Promise<Latency> {
  return stage.withRunDatabase((database) =>
    onEmptyTopics(stage, (topic, targets) => {
      const child = openService(stage, { topic, targets, group: stage.freshGroup(), database, schemasDir: schemasOfClone });
      return probe(stage, pace, { topic, targets, child, isReady: serviceAssigned });
    }),
  );
}

async function onEmptyTopics<T>(stage: Stage, work: (topic: string, targets: Targets) => Promise<T>): Promise<T> {
  return stage.withTopic('paced', partitions, (topic) => stage.withTargets(partitions, (targets) => work(topic, targets)));
}

async function probe(stage: Stage, { rate, seconds }: Pace, { topic, targets, child, isReady }: Subject): Promise<Latency> {
  try {
    await child.line(isReady);
    const words = [topic, targets.valid, partitions, rate, seconds, blankEvent()].map(String);
    const measuring = new Child({ program: stage.programs.latencyProbe, args: [stage.services.kafka.brokers, ...words] });
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

function quantiles({ p50Ms, p99Ms }: Latency): string {
  return `${p50Ms.toFixed(1)} and ${p99Ms.toFixed(1)} ms`;
}
