import type { Fault } from './verdict.ts';

/** Where a source message lies, and its identity for all time. */
export interface SourceCoordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970, as in the source. */
  readonly timestamp: number;
}

/** A bad message on its way into quarantine: its bytes, its cause and its id. The buffers are views into a slab. */
export interface Quarantined extends SourceCoordinates {
  /** UUIDv5 of cluster id, topic id, partition and offset: the same for the same source message, always. */
  readonly id: string;
  readonly key: Buffer | null;
  readonly value: Buffer;
  /** As packed by `packHeaders`. */
  readonly packedHeaders: Buffer;
  readonly fault: Fault;
  /** Is the value JSON? Undefined where the fault's type says it, or nobody has looked. */
  readonly isJson?: boolean | undefined;
  /** Does its payload stay in the source? Then no object is stored of it. */
  readonly isPointer?: boolean | undefined;
  /** SHA-256 of the value, 32 bytes. */
  readonly payloadSha256: Buffer;
  /** Milliseconds since 1970. */
  readonly quarantinedAt: number;
}

/** What has become of a quarantined message since. */
export type RecordStatus = 'quarantined' | 'in_review' | 'replaying' | 'replayed' | 'discarded' | 'erased';

/** What the database keeps of a quarantined message on a first pass, and gives back on a repeat. */
export interface StoredPlace {
  /** `KEY#OFFSET+LENGTH`: the value alone inside its segment object; or `kafka:TOPIC/PARTITION/OFFSET` where it was left in the source. */
  readonly storagePath: string;
  readonly fingerprint: string;
  readonly quarantinedAt: number;
}
