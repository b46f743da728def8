import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from './child.ts';
import { eventOf } from './events.ts';
import { say, type Way } from './run.ts';
import { type Stage, schemasOfClone } from './stage.ts';
import { isMessage, openService, serviceAssigned } from './throughput.ts';

/** What a service at full speed loses while many new schemas come at once. */
export interface Reload {
  readonly way: Way;
  readonly schemas: number;
  /** From the first new file until the catalog with all of them was there. */
  readonly seconds: number;
  /** Messages a second before the first file, from then until a second after the catalog was there, and after that. */
  readonly before: number;
  readonly during: number;
  readonly after: number;
  /** `during` ÷ the mean of the two others. */
  readonly share: number;
  /** The slowest second within the reload, and the slowest one out of it, ÷ the same mean. */
  readonly leastShare: number;
  readonly leastShareElse: number;
}

export interface ReloadSizes {
  readonly rounds: number;
  readonly messages: number;
  readonly schemas: number;
}

const lookMsInterval = 200;
const looksPerSecond = 1_000 / lookMsInterval;
/** The first seconds of a service are not its usual ones. */
const warmMs = 3_000;
const quietMs = 5_000;
const settleMs = 1_000;
const badShare = 0.005;

export async function measureReloads(stage: Stage, { rounds, messages, schemas }: ReloadSizes): Promise<Reload[]> {
  say(`reload of ${schemas} schemas`);
  const bad = Math.floor(messages * badShare);
  return stage.withSource({ messages, bad, event: (number) => eventOf(number, badShare) }, async ({ topic, partitions }) => {
    const reloads: Reload[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const reload = await stage.withRunDatabase((database) =>
        stage.withTargets(partitions, async (targets) => {
          const schemasDir = join(stage.dir, 'schemas', `reload-${round}`);
          await cp(join(schemasOfClone, 'user_event'), join(schemasDir, 'user_event'), { recursive: true });
          const service = openService(stage, { topic, targets, group: stage.freshGroup(), database, schemasDir });
          const looks = new Looks(() => stage.count(targets.valid), messages - bad);
          try {
            return await Promise.race([measureReload({ service, looks, schemasDir, schemas, round }), looks.failed()]);
          } finally {
            looks.stop();
            await service.kill();
          }
        }),
      );
      reloads.push(reload);
      say(
        `  usually ${Math.round((reload.before + reload.after) / 2)}/s; ${reload.share.toFixed(2)} of that for ${reload.seconds.toFixed(1)} s`,
      );
    }
    return reloads;
  });
}

interface Running {
  readonly service: Child;
  readonly looks: Looks;
  readonly schemasDir: string;
  readonly schemas: number;
  readonly round: number;
}

async function measureReload({ service, looks, schemasDir, schemas, round }: Running): Promise<Reload> {
  await service.line(serviceAssigned);
  await pause(warmMs);
  const warm = looks.now();
  await pause(quietMs);
  const begun = looks.now();
  const startedMs = performance.now();
  await writeNewSchemas(schemasDir, schemas, round);
  await service.line((line) => line['msg'] === 'schemas loaded' && line['schemas'] === schemas + 1);
  const seconds = (performance.now() - startedMs) / 1_000;
  await pause(settleMs);
  const settled = looks.now();
  await pause(quietMs);
  const ended = looks.now();
  const [before, during, after] = [looks.rate(warm, begun), looks.rate(begun, settled), looks.rate(settled, ended)];
  const usual = (before + after) / 2;
  const leastElse = Math.min(looks.leastRate(warm, begun), looks.leastRate(settled, ended));
  const shares = { share: during / usual, leastShare: looks.leastRate(begun, settled) / usual, leastShareElse: leastElse / usual };
  const { lane, engine } = await service.line(isMessage('lane and engine'));
  return { way: { lane: String(lane), engine: String(engine) }, schemas, seconds, before, during, after, ...shares };
}

/** Each is the usual one with another name and one more member, so that none has been compiled before. */
async function writeNewSchemas(dir: string, count: number, round: number): Promise<void> {
  const text = await readFile(join(schemasOfClone, 'user_event', '1.0.0.yaml'), 'utf8');
  for (let number = 0; number < count; number += 1) {
    const name = `reload_${number}`;
    await mkdir(join(dir, name));
    const named = text.replace(/^name: .*$/m, `name: ${name}`);
    const own = named.replace(/^  properties:$/m, `  properties:\n    member_${round}_${number}: { type: string }`);
    await writeFile(join(dir, name, '1.0.0.yaml'), own);
  }
}

/** Looks at the size of a topic five times a second. */
class Looks {
  readonly #looks: { readonly ms: number; readonly count: number }[] = [];
  readonly #looking: Promise<never>;
  #stopped = false;

  constructor(count: () => Promise<number>, countMax: number) {
    this.#looking = this.#look(count, countMax);
  }

  /** Throws when the topic has got all that it can get: what is measured after that is nothing. */
  failed(): Promise<never> {
    return this.#looking;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The number of the next look. */
  now(): number {
    return this.#looks.length;
  }

  rate(from: number, to: number): number {
    const [first, last] = [this.#looks[from], this.#looks[Math.min(to, this.#looks.length - 1)]];
    if (!first || !last || first === last) throw new Error('nobody looked between two moments');
    return ((last.count - first.count) / (last.ms - first.ms)) * 1_000;
  }

  /** That of the slowest second. */
  leastRate(from: number, to: number): number {
    const starts = Array.from({ length: Math.max(1, to - from - looksPerSecond) }, (_, step) => from + step);
    return Math.min(...starts.map((start) => this.rate(start, start + looksPerSecond)));
  }

  async #look(count: () => Promise<number>, countMax: number): Promise<never> {
    while (!this.#stopped) {
      this.#looks.push({ count: await count(), ms: performance.now() });
      if (this.#looks.at(-1)?.count === countMax) throw new Error('the topic was too short for this measurement');
      await pause(lookMsInterval);
    }
    return new Promise<never>(() => {});
  }
}
