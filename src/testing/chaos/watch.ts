import { setTimeout as sleep } from 'node:timers/promises';
import { openWire, type Wire } from '../../drivers/kafka-wire/wire.ts';
import type { Fleet } from './fleet.ts';
import { type Copy, type LateCopies, lateCopies, type Sample } from './late-copies.ts';
import { numberHeader } from './load.ts';
import { type ChaosStage, chaosGroup, chaosTopics } from './stage.ts';

/** The memory of all instances in one minute of the run. */
export interface MemoryMinute {
  readonly minute: number;
  readonly instances: number;
  readonly mbMean: number;
  readonly mbMax: number;
  /** The age of the oldest instance, and what it had. */
  readonly oldestSeconds: number;
  readonly oldestMb: number;
}

/** A committed offset that was seen to go back. */
export interface CommitBack {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

const sampleMs = 500;
/**
 * Work that was open when its epoch was lost may come this much later: an instance that was frozen past its poll interval still sends what
 * it had in hand when it wakes.
 */
const explainedMsMax = 20_000;

/** Looks at a run from outside, twice a second: what is committed, where the valid topic ends, what memory the instances take. */
export class Watch {
  readonly #wire: Wire;
  readonly #fleet: Fleet;
  readonly #startedMs = performance.now();
  readonly #samples: Sample[] = [];
  readonly #back: CommitBack[] = [];
  readonly #memory = new Map<number, MemoryMinute[]>();
  readonly #ended = new AbortController();
  readonly #running: Promise<unknown>;

  private constructor(wire: Wire, fleet: Fleet) {
    this.#wire = wire;
    this.#fleet = fleet;
    this.#running = Promise.all([this.#every(() => this.#lookAtOffsets()), this.#every(async () => this.#lookAtMemory())]);
  }

  static async start({ kafka }: ChaosStage, fleet: Fleet): Promise<Watch> {
    return new Watch(await openWire({ brokers: [kafka.brokers], client: {} }), fleet);
  }

  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    await this.#running;
    await this.#wire.close();
  }

  /** How far the group was when it was last looked at, and how many copies there were. */
  get progress(): string {
    const sum = (offsets: readonly number[] = []) => offsets.reduce((all, offset) => all + offset, 0).toLocaleString('en');
    const last = this.#samples.at(-1);
    return `${sum(last?.committed)} committed, ${sum(last?.validEnds)} copies`;
  }

  get commitsBack(): readonly CommitBack[] {
    return this.#back;
  }

  /** The means and peaks of each minute. */
  get memory(): readonly MemoryMinute[] {
    return [...this.#memory.values()].map((looks) => {
      const last = looks.at(-1) as MemoryMinute;
      const mbMean = Math.round(looks.reduce((sum, look) => sum + look.mbMean, 0) / looks.length);
      return { ...last, mbMean, mbMax: Math.max(...looks.map(({ mbMax }) => mbMax)) };
    });
  }

  /** Reads source and valid topic, and judges every copy by when it came. The load has ended. */
  async judge(wire: Wire): Promise<LateCopies> {
    const { source, valid } = chaosTopics;
    const sources = new Map<string, { partition: number; offset: number; records: number }>();
    await readAll(wire, source, (number, { partition, offset }) => {
      // What the load sent again after a broker's death is there twice; the last of them is committed last.
      sources.set(number, { partition, offset, records: (sources.get(number)?.records ?? 0) + 1 });
    });
    const copies: Copy[] = [];
    const seen = new Map<string, number>();
    await readAll(wire, valid, (number, place) => {
      const of = sources.get(number);
      if (!of) return;
      const before = seen.get(number) ?? 0;
      seen.set(number, before + 1);
      copies.push({ ...place, source: { partition: of.partition, offset: of.offset }, isRepeat: before >= of.records });
    });
    return lateCopies(copies, this.#samples, explainedMsMax);
  }

  async #every(look: () => Promise<void>): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      // While the broker is away there is nothing to see.
      await look().catch(() => {});
      await sleep(sampleMs, undefined, { signal }).catch(() => {});
    }
  }

  async #lookAtOffsets(): Promise<void> {
    const offsets = (await this.#wire.committed(chaosGroup, [chaosTopics.source])).get(chaosTopics.source) ?? [];
    const atMs = performance.now();
    const ends = await this.#wire.ends(chaosTopics.valid);
    const last = this.#samples.at(-1);
    const committed = offsets.map((offset, partition) => {
      const [before, now] = [last?.committed[partition] ?? 0, offset ?? 0];
      if (now < before) this.#back.push({ partition, from: before, to: now });
      return Math.max(before, now);
    });
    // A broker that comes back may say for a moment that it has less.
    const validEnds = ends.map((end, partition) => Math.max(end, last?.validEnds[partition] ?? 0));
    this.#samples.push({ atMs, committed, validEnds });
  }

  #lookAtMemory(): void {
    const minute = Math.floor((performance.now() - this.#startedMs) / 60_000);
    const members = this.#fleet.memory();
    const oldest = members.reduce((a, b) => (a.seconds >= b.seconds ? a : b), { seconds: 0, megabytes: 0 });
    const all = members.map(({ megabytes }) => megabytes);
    if (all.length === 0) return;
    const mbMean = all.reduce((sum, megabytes) => sum + megabytes, 0) / all.length;
    const look = { minute, instances: all.length, mbMean, mbMax: Math.max(...all) };
    const looks = this.#memory.get(minute) ?? [];
    this.#memory.set(minute, [...looks, { ...look, oldestSeconds: oldest.seconds, oldestMb: oldest.megabytes }]);
  }
}

async function readAll(
  wire: Wire,
  topic: string,
  onRecord: (number: string, place: { partition: number; offset: number }) => void,
): Promise<void> {
  for (const [partition, to] of (await wire.ends(topic)).entries()) {
    await wire.read({ topic, partition, from: 0, to }, (records) => {
      for (const { headers, offset } of records) {
        const number = headers.find(({ name }) => name === numberHeader)?.value?.toString();
        if (number !== undefined) onRecord(number, { partition, offset });
      }
    });
  }
}
