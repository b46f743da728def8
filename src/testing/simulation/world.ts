import { DataQuarantineError } from '../../lib/errors.ts';
import type { Random } from '../random.ts';
import { Books } from './books.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The neighbours that can be away for a while. */
export type Neighbour = 'broker' | 'storage' | 'database' | 'disk';

/** What all simulated parts share: time, luck, the books, and which neighbour is away. */
export class World {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly books: Books;
  readonly #awayUntil: Record<Neighbour, number> = { broker: 0, storage: 0, database: 0, disk: 0 };
  readonly #scaleMs: number;
  /** How often a single call fails, 0 once the faults have ended. */
  faultShare: number;

  constructor(time: VirtualTime, random: Random) {
    this.time = time;
    this.random = random;
    this.books = new Books(random);
    this.#scaleMs = [1, 5, 30][random.below(3)] as number;
    this.faultShare = [0, 0.02, 0.2][random.below(3)] as number;
  }

  /** How long something takes: mostly little, now and then a hundred times as long. */
  latencyMs(): number {
    const slow = this.random.share() < 0.02 ? 100 : 1;
    return this.#scaleMs * slow * -Math.log(1 - this.random.share());
  }

  later(work: () => void): void {
    this.time.schedule(this.latencyMs(), work);
  }

  async pass(): Promise<void> {
    await this.time.clock.sleep(this.latencyMs());
  }

  takeAway(neighbour: Neighbour, ms: number): void {
    this.books.note(`${neighbour} is away for ${Math.round(ms)} ms`);
    this.#awayUntil[neighbour] = this.time.nowMs + ms;
  }

  isAway(neighbour: Neighbour): boolean {
    return this.time.nowMs < this.#awayUntil[neighbour];
  }

  fails(): boolean {
    return this.random.share() < this.faultShare;
  }
}

/** What every call of a process ends with that was killed: its code must not get any further. */
export function crashed(): DataQuarantineError {
  return new DataQuarantineError('DQ_KAFKA_FATAL', 'the process was killed');
}
