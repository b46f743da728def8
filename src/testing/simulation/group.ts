import type { Rebalance } from '../../drivers/kafka/lane.ts';
import { topics } from './books.ts';
import type { World } from './world.ts';

/** An instance as the coordinator sees it. */
export interface Member {
  readonly name: string;
  /** One at a time: the client reports the next only when the last is answered. */
  rebalance(rebalance: Rebalance): void;
}

interface Seat {
  readonly member: Member;
  /** The partitions that the member was given and has not given back, each with the generation of that gift. */
  readonly held: Map<number, number>;
  outstanding: Rebalance | null;
  /** The coordinator has given it up, and it does not know. */
  fenced: boolean;
  polledMs: number;
}

/** A member that was given up hears of it with its next heartbeat, or with the first after a long silence. */
const unawareMsMax = 60_000;
/** No member may be silent for longer: the real limit, `max.poll.interval.ms`, is five minutes. */
const silenceMsMax = 60_000;

/**
 * The coordinator of a cooperative group. It moves partitions as it likes; a partition has one owner, who has it until it gives it
 * back or is given up. Only the owner's commits count, and those of the generation in which it was given the partition.
 */
export class Group {
  readonly #world: World;
  readonly #seats = new Map<Member, Seat>();
  readonly #owner = new Map<number, { member: Member; generation: number }>();
  readonly #target = new Map<number, Member>();
  #generationLast = 0;

  constructor(world: World) {
    this.#world = world;
  }

  join(member: Member): void {
    this.#seats.set(member, { member, held: new Map(), outstanding: null, fenced: false, polledMs: this.#world.time.nowMs });
    this.reassign();
  }

  /** The member went: what it owned is free at once if it said so, later if it just fell silent. */
  leave(member: Member, { quietly }: { quietly: boolean }): void {
    this.#seats.delete(member);
    const free = () => {
      for (const [partition, owner] of this.#owner) if (owner.member === member) this.#owner.delete(partition);
      this.reassign();
    };
    if (quietly) this.#world.time.schedule(6_000, free);
    else free();
  }

  /** Every partition gets somebody, not always somebody else. */
  reassign(): void {
    const seats = [...this.#seats.values()].filter(({ fenced }) => !fenced);
    for (const partition of this.#world.books.partitions.keys()) {
      const seat = seats[this.#world.random.below(seats.length)];
      if (seat) this.#target.set(partition, seat.member);
      else this.#target.delete(partition);
    }
    this.#turn();
  }

  /** The member was silent for too long, as it seems: its partitions go to others while it still works on them. */
  giveUp(member: Member): void {
    const seat = this.#seats.get(member);
    if (!seat || seat.fenced) return;
    this.#world.books.note(`${member.name} is given up`);
    seat.fenced = true;
    for (const [partition, owner] of this.#owner) if (owner.member === member) this.#owner.delete(partition);
    this.reassign();
    const tell = () => {
      if (!this.#seats.has(member)) return;
      if (seat.outstanding) return this.#world.later(tell);
      this.#report(seat, { kind: 'revoke', lost: true, partitions: [...seat.held.keys()].map(named) });
    };
    const unawareMs = this.#world.latencyMs() * (this.#world.random.share() < 0.5 ? 1 : 200);
    this.#world.time.schedule(Math.min(unawareMs, unawareMsMax), tell);
  }

  answered(member: Member, rebalance: Rebalance): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    if (seat.outstanding !== rebalance) this.#world.books.refuse(`${member.name} answered a rebalance that was not asked`);
    seat.outstanding = null;
    for (const { partition } of rebalance.kind === 'revoke' ? rebalance.partitions : []) {
      seat.held.delete(partition);
      if (this.#owner.get(partition)?.member === member) this.#owner.delete(partition);
    }
    if (rebalance.lost) {
      seat.fenced = false;
      this.reassign();
    } else this.#turn();
  }

  /** False where the broker refuses: somebody else owns the partition, or nobody. */
  commit(member: Member, partition: number, offsetNext: number): boolean {
    const seat = this.#seats.get(member);
    const owner = this.#owner.get(partition);
    if (seat?.fenced !== false || owner?.member !== member || owner.generation !== seat.held.get(partition)) return false;
    this.#world.books.commit(partition, offsetNext);
    return true;
  }

  polled(member: Member): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    const silentMs = this.#world.time.nowMs - seat.polledMs;
    if (silentMs > silenceMsMax) this.#world.books.refuse(`${member.name} did not poll for ${Math.round(silentMs)} ms`);
    seat.polledMs = this.#world.time.nowMs;
  }

  /** Asks members without an open question to give back what others shall have, and gives out what is free. */
  #turn(): void {
    for (const seat of this.#seats.values()) {
      if (seat.outstanding || seat.fenced) continue;
      const moving = [...seat.held.keys()].filter((partition) => this.#target.get(partition) !== seat.member);
      if (moving.length > 0) {
        this.#report(seat, { kind: 'revoke', lost: false, partitions: moving.map(named) });
        continue;
      }
      const given = [...this.#target].filter(([partition, member]) => member === seat.member && !this.#owner.has(partition));
      if (given.length === 0) continue;
      for (const [partition] of given) {
        const generation = ++this.#generationLast;
        seat.held.set(partition, generation);
        this.#owner.set(partition, { member: seat.member, generation });
      }
      this.#report(seat, { kind: 'assign', lost: false, partitions: given.map(([partition]) => named(partition)) });
    }
  }

  #report(seat: Seat, rebalance: Rebalance): void {
    seat.outstanding = rebalance;
    const { member } = seat;
    this.#world.later(() => {
      if (!this.#seats.has(member)) return;
      const partitions = rebalance.partitions.map(({ partition }) => partition).join();
      this.#world.books.note(`${member.name}: ${rebalance.lost ? 'lost' : rebalance.kind} ${partitions}`);
      member.rebalance(rebalance);
    });
  }
}

function named(partition: number): { topic: string; partition: number } {
  return { topic: topics.source, partition };
}
