import type { Batch } from './batch.ts';
import type { Fault } from './verdict.ts';

/** A message of a batch that goes to quarantine, and why. */
export interface Reject {
  readonly row: number;
  readonly fault: Fault;
  /** Is the value JSON? Left out where the fault's type says it, or nobody has looked. */
  readonly isJson?: boolean;
}

/** A message as it goes on after rules of its schema have mended it. */
export interface Mended {
  readonly row: number;
  readonly value: Uint8Array;
  /** The rules that changed it, as `name@version`. */
  readonly rules: readonly string[];
  /** Is the message as it came to be kept in the object store? */
  readonly keepOriginal: boolean;
}

/** What the judges say of one batch beside the answers in its slab. */
export interface Judged {
  readonly rejects: readonly Reject[];
  /** Keys taken from the value by the schema's `key`, for keyless messages, by row. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
  /** Good rows that go on with another value, by row; left out where there are none. */
  readonly mended?: ReadonlyMap<number, Mended>;
}

/** A judged batch: where each of its messages goes. Every row that is not withheld is either in `rows` or in `rejects`, once. */
export interface Delivery {
  readonly batch: Batch;
  /** Rows for the valid topic, tombstones among them, in source order. */
  readonly rows: Int32Array;
  /** The target partition of each of `rows`. */
  readonly partitions: Int32Array;
  /** Keys taken from the value by the schema's `key`, for keyless messages, by row. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
  /** Those of `rows` that go on with another value, by row; left out where there are none. */
  readonly mended?: ReadonlyMap<number, Mended>;
  readonly rejects: readonly Reject[];
}

/** What has become of a batch, for as long as its slab still holds it. */
export interface Receipt {
  readonly batch: Batch;
  /** All that goes to quarantine: the delivery's rejects and what the valid topic refused for good. */
  readonly rejects: readonly Reject[];
  /** As in the delivery: those that went on with another value, unless the valid topic refused them. */
  readonly mended?: ReadonlyMap<number, Mended>;
}

/** A delivery on its way. When both have come, every message that is not withheld is durable where it belongs, and its claims may be settled. */
export interface Passage {
  /** The good messages are durable, and of the bad ones there are copies: nobody reads the slab any more but who hears of it here. */
  readonly passed: Promise<Receipt>;
  /** The bad messages are durable, too. */
  readonly kept: Promise<unknown>;
}

/** How far a partition may be committed: everything before `offsetNext` is settled. */
export interface Watermark {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly offsetNext: number;
}
