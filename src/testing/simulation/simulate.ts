import { DataQuarantineError, type ErrorCode } from '../../lib/errors.ts';
import { createRandom } from '../random.ts';
import { Violation } from './books.ts';
import { Group } from './group.ts';
import { Instance } from './instance.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { VirtualTime } from './virtual-time.ts';
import { World } from './world.ts';

/** `safety`: faults to the very end, and no promise may break. `liveness`: the faults end, and then everything must be finished. */
export type Mode = 'safety' | 'liveness';

export interface Outcome {
  /** Timers that went off. */
  readonly events: number;
  readonly faults: number;
  readonly duplicates: number;
  /** Messages that went through the spool. */
  readonly spooled: number;
}

/** What an instance may end with: any other error is a bug. */
const expectedEnds: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['DQ_DRAIN_TIMEOUT', 'DQ_KAFKA_FATAL', 'DQ_WORKER_LOST']);
const instancesMax = 3;
const faultyMsMax = 40_000;
const drainMsMax = 600_000;
const settleMs = 20_000;

/** Plays the schedule that the seed stands for, on the real stages. Throws a {@link Violation} that names the seed. */
export async function simulate(seed: number, mode: Mode): Promise<Outcome> {
  const random = createRandom(seed);
  const time = new VirtualTime(random);
  const uninstall = time.install();
  const world = new World(time, random);
  try {
    return await new Schedule(world).play(mode);
  } catch (error) {
    const broken = world.books.violation ?? error;
    if (!(broken instanceof Violation)) throw error;
    const again = `DQ_SIMULATION_SEED=${seed} npx vitest run src/testing/simulation`;
    throw new Violation(`seed ${seed} (${mode}): ${broken.message}\nAgain: ${again}`, { cause: broken });
  } finally {
    uninstall();
  }
}

class Schedule {
  readonly #world: World;
  readonly #group: Group;
  readonly #disk: SimulatedDisk | null;
  readonly #instances = new Set<Instance>();
  #started = 0;
  #faults = 0;
  #calm = false;
  #ending = false;

  constructor(world: World) {
    this.#world = world;
    this.#group = new Group(world);
    this.#disk = world.random.share() < 0.5 ? new SimulatedDisk(world) : null;
  }

  async play(mode: Mode): Promise<Outcome> {
    const { time, random, books } = this.#world;
    const faultyMs = random.share() * faultyMsMax;
    for (let left = 1 + random.below(instancesMax); left > 0; left--) this.#start();
    const isBroken = () => books.violation !== null;
    for (let left = random.below(12); left > 0; left--) time.schedule(random.share() * faultyMs, () => this.#fault());
    await time.run(() => isBroken() || books.isAllCommitted, faultyMs);
    if (mode === 'liveness' && !isBroken()) await this.#finish();
    if (books.violation) throw books.violation;
    return { events: time.events, faults: this.#faults, duplicates: books.duplicates, spooled: books.spooled };
  }

  /** No new faults come, and outages end in time: everything must be committed, and every instance must end when it is asked to. */
  async #finish(): Promise<void> {
    const { time, books } = this.#world;
    this.#calm = true;
    this.#world.faultShare = 0;
    const isDone = () => books.isAllCommitted && books.isAllKept;
    await time.run(() => books.violation !== null || isDone(), time.nowMs + drainMsMax);
    if (!books.isAllCommitted) books.refuse(`after ${drainMsMax} ms without faults not everything is committed`);
    if (!books.isAllKept) books.refuse(`after ${drainMsMax} ms without faults the spool has not given back everything`);
    // Whoever failed before comes to its end meanwhile.
    await time.run(() => books.violation !== null, time.nowMs + settleMs);
    this.#ending = true;
    for (const instance of this.#instances) instance.stop();
    const isOver = await time.run(() => books.violation !== null || this.#instances.size === 0, time.nowMs + drainMsMax);
    if (!isOver) books.refuse(`after ${drainMsMax} ms an instance that was asked to stop still runs`);
  }

  #start(): void {
    if (this.#ending) return;
    const instance = new Instance(`instance ${++this.#started}`, this.#world, { group: this.#group, disk: this.#disk });
    this.#instances.add(instance);
    void instance.run().then((ended) => this.#onEnded(instance, ended));
  }

  #onEnded(instance: Instance, ended: unknown): void {
    const { books } = this.#world;
    // One that was killed is gone already, whenever its code comes to its end.
    if (!this.#instances.delete(instance) || books.violation) return;
    const isExpected = ended === null || (ended instanceof DataQuarantineError && expectedEnds.has(ended.code));
    const why = ended instanceof Error ? (ended.stack ?? ended.message) : '';
    if (!isExpected) books.blame(`${instance.name} ended with an error that nobody can explain: ${why}`);
    else if (this.#ending && ended !== null) books.blame(`${instance.name} did not drain in calm weather: ${why}`);
    if (!this.#ending) this.#restart();
  }

  #restart(): void {
    this.#world.time.schedule(this.#world.random.share() * 2_000, () => this.#start());
  }

  #crash(instance: Instance): void {
    this.#instances.delete(instance);
    instance.crash();
    this.#restart();
  }

  /** The machine goes down: every process with it, and what was not synced. */
  #losePower(): void {
    if (this.#calm) return;
    for (const instance of this.#instances) this.#crash(instance);
    this.#disk?.losePower();
  }

  #fault(): void {
    if (this.#calm) return;
    this.#faults += 1;
    const { random } = this.#world;
    const all = [...this.#instances];
    const instance = all[random.below(all.length)];
    if (!instance) return;
    const outageMs = random.share() < 0.05 ? 150_000 : random.share() * ([200, 5_000, 30_000][random.below(3)] as number);
    const faults: (() => void)[] = [
      () => this.#crash(instance),
      () => this.#crash(instance),
      () => instance.stop(),
      () => instance.fail(),
      () => instance.giveUp(),
      () => instance.giveUp(),
      () => this.#group.reassign(),
      () => this.#group.reassign(),
      () => all.length < instancesMax && this.#start(),
      () => this.#world.takeAway('broker', outageMs),
      () => this.#world.takeAway('storage', outageMs),
      () => this.#world.takeAway('database', outageMs),
      () => this.#world.takeAway('disk', outageMs),
      () => this.#losePower(),
      () => this.#disk?.atNextWrite(() => this.#losePower()),
    ];
    faults[random.below(faults.length)]?.();
  }
}
