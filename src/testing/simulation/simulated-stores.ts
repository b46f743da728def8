import type { ObjectStore } from '../../drivers/storage/object-store.ts';
import { DataQuarantineError, type ErrorCode } from '../../lib/errors.ts';
import type { StoredPlace } from '../../model/record.ts';
import type { StoredRow } from '../../store/copy-rows.ts';
import { crashed, type Neighbour, type World } from './world.ts';

type RowCopy = Pick<StoredRow['record'], 'id' | 'partition' | 'offset' | 'fault'> & Pick<StoredRow, 'storagePath'>;

/** Object store and database as one process sees them. A call can fail before it has any effect, or after: nobody can tell. */
export class SimulatedStores {
  readonly #world: World;
  #dead = false;

  constructor(world: World) {
    this.#world = world;
  }

  die(): void {
    this.#dead = true;
  }

  readonly storage: Pick<ObjectStore, 'put'> = {
    put: (key, bytes) =>
      this.#call('storage', 'DQ_STORAGE_UNREACHABLE', () => this.#world.books.addObject(key, Buffer.concat([bytes].flat()))),
  };

  readonly records = {
    insert: (rows: readonly StoredRow[]): Promise<ReadonlyMap<string, StoredPlace>> => {
      // As the real one does: whoever called may give up, and use the slabs again, while the call is under way.
      const copies = rows.map(({ record: { id, partition, offset, fault }, storagePath }) => ({
        id,
        partition,
        offset,
        fault,
        storagePath,
      }));
      return this.#call('database', 'DQ_POSTGRES_UNREACHABLE', () => this.#insert(copies));
    },
  };

  #insert(rows: readonly RowCopy[]): Map<string, StoredPlace> {
    const before = new Map<string, StoredPlace>();
    for (const { id, partition, offset, fault, storagePath } of rows) {
      const stored = this.#world.books.addRow(partition, offset, storagePath);
      if (stored !== null) before.set(id, { storagePath: stored, fingerprint: fault.fingerprint, quarantinedAt: 0 });
    }
    return before;
  }

  async #call<T>(neighbour: Neighbour, code: ErrorCode, work: () => T): Promise<T> {
    const away = () => new DataQuarantineError(code, `the ${neighbour} is away`);
    await this.#world.pass();
    if (this.#dead) throw crashed();
    if (this.#world.isAway(neighbour) || this.#world.fails()) throw away();
    const result = work();
    await this.#world.pass();
    if (this.#dead) throw crashed();
    if (this.#world.fails()) throw away();
    return result;
  }
}
