declare const sourceHandle: unique symbol;
declare const publisherHandle: unique symbol;

/** A handle of the lane's; it means nothing outside of it. */
export interface SourceHandle {
  readonly [sourceHandle]: true;
}

export interface PublisherHandle {
  readonly [publisherHandle]: true;
}

/** What a fill did. */
export interface Filled {
  readonly appended: number;
  /** Bytes that the slab's byte region now holds. */
  readonly bytesUsed: number;
  /** Bytes of the next message that did not fit, -1 if none is waiting. */
  readonly carriedBytes: number;
  /** What the client reported in the place of messages. */
  readonly errors: readonly { readonly code: number; readonly message: string }[];
  /** Messages that librdkafka cannot give as they came; nothing more of their partitions is taken. */
  readonly stops: readonly { readonly topic: number; readonly partition: number; readonly offset: number }[];
}

/**
 * What the lane addon exports (cc/lane). Clients are named by the property `dataquarantine.lane` of their configuration, which must
 * stand behind the `plugin.library.paths` that names the addon's own file. Wrong arguments throw.
 */
export interface LaneAddon {
  /** The version of the librdkafka that it is linked with. */
  version(): string;
  /** librdkafka's text for one of its error codes. */
  errorText(code: number): string;
  /** The reading half of a connected consumer. Rows name a topic by its index in `topics`. */
  openSource(name: string, topics: readonly string[]): SourceHandle;
  /** Says in which epoch a partition is held, 0 for not at all. Not while a fill is under way. */
  hold(source: SourceHandle, topic: number, partition: number, epoch: number): void;
  /**
   * Appends messages to the slab whose views these are: waits up to `waitMs` for the first and a moment longer for more. One fill is
   * under way at a time; it takes a thread of libuv's pool.
   */
  fill(
    source: SourceHandle,
    rows: Int32Array,
    schemas: Int32Array,
    answers: Uint8Array,
    bytes: Uint8Array,
    count: number,
    bytesUsed: number,
    waitMs: number,
  ): Promise<Filled>;
  /** Lets go of the consumer; it must happen before the consumer disconnects. */
  closeSource(source: SourceHandle): void;
  /**
   * The writing half of a connected producer. `onReports` hears, a publication at a time, how many were delivered (pairs of slot and
   * count) and which failed (triples of slot, index and code).
   */
  openPublisher(name: string, onReports: (delivered: Int32Array, failed: Int32Array) => void): PublisherHandle;
  /** The number of a topic for `send`. */
  openTopic(publisher: PublisherHandle, topic: string): number;
  /**
   * Hands the messages `from` to `to` of a publication to the client's queue, without waiting for room: row `rows[index]` of `table`
   * and `bytes` to partition `partitions[index]`, with `keys[index]` in the place of its key where there is one. A slot is one of
   * 2^14, an index one of 2^16. Stops at the first message that is not taken: gives how many were, and the code of that one or 0.
   */
  send(
    publisher: PublisherHandle,
    topic: number,
    slot: number,
    table: Int32Array,
    bytes: Uint8Array,
    rows: Int32Array,
    partitions: Int32Array,
    keys: readonly (Uint8Array | undefined)[] | null,
    from: number,
    to: number,
  ): Int32Array;
  /** Lets go of the producer; it must happen before the producer disconnects. Nothing is reported from now on. */
  closePublisher(publisher: PublisherHandle): void;
  /** Forgets a client that has disconnected. */
  forget(name: string): void;
}

/** A catalog that the judge has opened; it lives as long as something holds it. */
export interface NativeCatalog {
  readonly nativeCatalog: never;
}

/** What the native judge says of one document. Only `valid` is ever believed. */
export const nativeAnswer = { refused: 0, valid: 1, unsure: 2 } as const;

/** The columns of a slab that the judge works on, and where it says how it went. */
export interface JudgeColumns {
  readonly rows: Int32Array;
  readonly bytes: Uint8Array;
  readonly answers: Uint8Array;
  readonly schemas: Int32Array;
  /** The two words of a `JudgeProgress`. */
  readonly progress: Int32Array;
  /** Gets the number of samples, then for each a schema number and seconds. */
  readonly samples: Float64Array;
}

/** What the judge addon exports, in the order of cc/judge.cc. It holds nothing that it is given beyond the call. */
export interface JudgeAddon {
  /** The version of simdjson. */
  version(): string;
  /** Reads a setup in the form of src/workers/native-setup.ts. A program that is not understood leaves its schema to the other engine. */
  open(setup: Uint8Array): NativeCatalog;
  /** Judges the rows from `from` to before `to`; returns how many it leaves to the other engine. */
  judge(catalog: NativeCatalog, columns: JudgeColumns, from: number, to: number): number;
  /** One of {@link nativeAnswer}: what the first schema says of a document that lies in no slab. */
  judgeDocument(catalog: NativeCatalog, document: Uint8Array): number;
  /** How many values of these rows simdjson reads: what judging is measured against. */
  parseOnly(catalog: NativeCatalog, columns: Pick<JudgeColumns, 'rows' | 'bytes'>, from: number, to: number): number;
  /** For tests: does well-formed UTF-8 match the table of a pattern? The table is read at each call. */
  matchPattern(table: string, bytes: Uint8Array): boolean;
  /** For tests: is well-formed UTF-8 in one of the formats `date`, `time`, `date-time`? */
  checkFormat(name: string, bytes: Uint8Array): boolean;
}
