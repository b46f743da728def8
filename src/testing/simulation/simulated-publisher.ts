import type { Publication, Publisher, Refusal } from '../../drivers/kafka/lane.ts';
import { createDeferred, type Deferred } from '../../lib/deferred.ts';
import { topics } from './books.ts';
import { crashed, type World } from './world.ts';

interface Line {
  /** What is not in the log yet, in order; what is, is kept until it is acknowledged, because it may be sent again. */
  readonly waiting: { land: () => void; ticket: Ticket }[];
  landed: number;
  isPumping: boolean;
}

interface Ticket {
  open: number;
  readonly settled: Deferred;
}

/**
 * The writing half of a lane. Each target partition has a line of its own, which the log takes in order, some at a time. A message is
 * read from its slab only when it lands, so a slab that is used again too early shows as a wrong byte. Between landing and
 * acknowledgement there is time to be killed in, and now and then what has landed is sent once more.
 */
export class SimulatedPublisher implements Publisher {
  readonly #world: World;
  readonly #lines = new Map<string, Line>();
  readonly #open = new Set<Ticket>();
  #dead = false;

  constructor(world: World) {
    this.#world = world;
  }

  async publish({ topic, slab, rows, partitions }: Publication): Promise<readonly Refusal[]> {
    const { books } = this.#world;
    const refused: Refusal[] = [];
    const sent: { line: string; land: () => void }[] = [];
    for (const [at, row] of rows.entries()) {
      const target = partitions[at] as number;
      const line = `${topic}/${target}`;
      if (topic === topics.dlq) sent.push({ line, land: () => books.addLetter(slab.value(row) as Buffer) });
      else if (slab.value(row)?.includes('"fate":"refused"')) refused.push({ row, reason: 'too_large', message: 'too large' });
      else {
        const [partition, offset] = [slab.partition(row), slab.offset(row)];
        sent.push({ line, land: () => books.addCopy(partition, offset, { value: slab.value(row), key: slab.key(row), target }) });
      }
    }
    await this.#publish(sent);
    return refused;
  }

  caughtUp(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.die();
  }

  /** What is on the network may still land, and nobody hears of it. */
  die(): void {
    const late = this.#world.random.share() < 0.5;
    for (const line of late ? this.#lines.values() : []) this.#land(line);
    this.#dead = true;
    for (const { settled } of this.#open) settled.reject(crashed());
  }

  async #publish(sent: readonly { line: string; land: () => void }[]): Promise<void> {
    if (this.#dead) throw crashed();
    if (sent.length === 0) return;
    const ticket: Ticket = { open: sent.length, settled: createDeferred() };
    this.#open.add(ticket);
    for (const { line: name, land } of sent) {
      const line = this.#lines.get(name) ?? { waiting: [], landed: 0, isPumping: false };
      this.#lines.set(name, line);
      line.waiting.push({ land, ticket });
      this.#pump(line);
    }
    await ticket.settled.promise;
  }

  #pump(line: Line): void {
    if (line.isPumping || line.waiting.length === 0) return;
    line.isPumping = true;
    this.#world.later(() => {
      line.isPumping = false;
      if (this.#dead) return;
      if (!this.#world.isAway('broker')) {
        this.#land(line);
        // An answer that got lost: what landed since the last one goes again, in order.
        if (this.#world.fails()) line.landed = 0;
        else this.#acknowledge(line);
      }
      this.#pump(line);
    });
  }

  #land(line: Line): void {
    const upTo = line.landed + this.#world.random.below(line.waiting.length - line.landed + 1);
    for (; line.landed < upTo; line.landed++) line.waiting[line.landed]?.land();
  }

  #acknowledge(line: Line): void {
    const done = line.waiting.splice(0, line.landed);
    line.landed = 0;
    if (done.length === 0) return;
    this.#world.later(() => {
      if (this.#dead) return;
      for (const { ticket } of done) {
        ticket.open -= 1;
        if (ticket.open > 0) continue;
        this.#open.delete(ticket);
        ticket.settled.resolve();
      }
    });
  }
}
