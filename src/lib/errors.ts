/**
 * Every failure of ours has a code in this table, and every code's comment is its manual page: the cause, then the remedy.
 * Callers branch on `code` and `retryable`, never on the text.
 */
export const errorCodes = {
  /** A setting is missing, unknown or out of range. Mend the file, environment variable or flag that the message names. */
  DQ_CONFIG_INVALID: { retryable: false },
  /** A schema is not a JSON Schema that can be compiled. Mend the schema at the place that the message names. */
  DQ_SCHEMA_INVALID: { retryable: false },
  /** `engine: 'native'` was asked for and the native engine is not built or does not take the schema. Use `auto` or `js`. */
  DQ_SCHEMA_NOT_NATIVE: { retryable: false },
  /** A schema file cannot be read, or is not laid out as a schema file. Mend the file that the message names. */
  DQ_SCHEMA_FILE_INVALID: { retryable: false },
  /** The schema registry cannot be reached or answered with a fault of its own. Messages that need it wait; check `schemas.registry.url` and the server. */
  DQ_SCHEMA_REGISTRY_UNREACHABLE: { retryable: true },
  /** The schema registry refused us. Check `schemas.registry.username`, `.password` or `.token` and the rights behind them; a running service asks again. */
  DQ_SCHEMA_REGISTRY_REFUSED: { retryable: true },
  /** What answers at `schemas.registry.url` is no schema registry. Check the URL, up to the path of its API; a running service asks again. */
  DQ_SCHEMA_REGISTRY_STRANGE: { retryable: true },
  /** The Kafka client cannot load or a broker cannot be reached. Check `kafka.brokers`, the network and the broker. */
  DQ_KAFKA_UNREACHABLE: { retryable: true },
  /** The Kafka client gave up for good: a fenced or failed idempotent producer. Restart; unfinished work is read again. */
  DQ_KAFKA_FATAL: { retryable: false },
  /** A topic does not exist or the group may not read it. Run `dq topics create`, or grant the right. */
  DQ_KAFKA_TOPIC_MISSING: { retryable: false },
  /** A record batch cannot be unpacked or is damaged. The message names the codec; zstd needs Node.js 22.15 or newer here. */
  DQ_KAFKA_UNREADABLE: { retryable: false },
  /** Offsets of a source partition went back: an unclean election or a topic made anew. Restart; the group goes on from what it committed. */
  DQ_KAFKA_LOG_TRUNCATED: { retryable: false },
  /** A header cannot be carried by the client lane unchanged. Use the native lane, or accept the loss with `kafka.lossyHeaders`. */
  DQ_KAFKA_HEADER_LOST: { retryable: false },
  /** PostgreSQL cannot be reached or closed the connection. Check `postgres.url` and the server. */
  DQ_POSTGRES_UNREACHABLE: { retryable: true },
  /** A COPY ended half way; nothing of it was kept. It is tried again. */
  DQ_COPY_INTERRUPTED: { retryable: true },
  /** PostgreSQL refused a statement: a missing table or right. Run `dq migrate` or grant the right. */
  DQ_POSTGRES_REFUSED: { retryable: false },
  /** The same source coordinates came with another payload. The source topic was changed under the engine; find out how before going on. */
  DQ_RECORD_CONFLICT: { retryable: false },
  /** The object store cannot be reached or answered with a fault of its own. It is tried again. */
  DQ_STORAGE_UNREACHABLE: { retryable: true },
  /** The object store refused: no such bucket, no right, or an object of that key exists. Check `storage.url` and the rights. */
  DQ_STORAGE_REFUSED: { retryable: false },
  /** A stored object does not hold what its row says. The store lost or changed data; restore it before going on. */
  DQ_STORAGE_CORRUPT: { retryable: false },
  /** A flood left a payload in its source topic, and retention took it from there or the topic was made anew. Only the record's row is left; discard it. */
  DQ_PAYLOAD_GONE: { retryable: false },
  /** The spool holds `spool.bytesMax` bytes. Consumption waits; it goes on when PostgreSQL and the object store are back, or with a larger limit. */
  DQ_SPOOL_FULL: { retryable: true },
  /** The spool's folder cannot be used: a full, read-only or failing disk, or a right that is missing. Consumption waits until it can. */
  DQ_SPOOL_UNAVAILABLE: { retryable: true },
  /** A hundred processes of this machine share the spool's folder. Give some of them another one with `spool.dir`. */
  DQ_SPOOL_TAKEN: { retryable: false },
  /** A worker thread ended or answered wrongly. The batch is judged again by another. */
  DQ_WORKER_LOST: { retryable: true },
  /** The identity provider cannot be reached or answered with a fault. Check `auth.oidc.issuer`, the network and the provider. */
  DQ_OIDC_UNREACHABLE: { retryable: true },
  /** The health and metrics server cannot listen. Free the port or choose another with `http.port`. */
  DQ_HTTP_LISTEN: { retryable: false },
  /** A drain did not end within its limit. Unfinished work is read again after the restart. */
  DQ_DRAIN_TIMEOUT: { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/** The wire form of a {@link DataQuarantineError}: what crosses a thread, where classes do not. */
export interface ErrorWire {
  readonly code: ErrorCode;
  readonly message: string;
}

/** We, or a service that we need, failed. A bad message is never one of these: it is a verdict. */
export class DataQuarantineError extends Error {
  override readonly name = 'DataQuarantineError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** May the same call succeed later without anybody changing anything? */
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  toWire(): ErrorWire {
    return { code: this.code, message: this.message };
  }

  static fromWire(wire: ErrorWire): DataQuarantineError {
    return new DataQuarantineError(wire.code, wire.message);
  }
}

/** Is `error` one of ours with that code? */
export function hasCode(error: unknown, code: ErrorCode): error is DataQuarantineError {
  return error instanceof DataQuarantineError && error.code === code;
}

/** Is `error` one of ours that may pass by itself? */
export function isRetryable(error: unknown): error is DataQuarantineError {
  return error instanceof DataQuarantineError && error.retryable;
}

/** The message of whatever was thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
