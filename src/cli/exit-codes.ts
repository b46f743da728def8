import { DataQuarantineError, type ErrorCode } from '../lib/errors.ts';
import type { ExitCode } from './io.ts';

/** What a command ends with when it fails: 2 where somebody has to change something, 3 where a service was away, 1 where data is wrong. */
const exitCodes: Readonly<Record<ErrorCode, ExitCode>> = {
  DQ_CONFIG_INVALID: 2,
  DQ_SCHEMA_INVALID: 2,
  DQ_SCHEMA_NOT_NATIVE: 2,
  DQ_SCHEMA_FILE_INVALID: 2,
  DQ_SCHEMA_REGISTRY_UNREACHABLE: 3,
  DQ_SCHEMA_REGISTRY_REFUSED: 2,
  DQ_SCHEMA_REGISTRY_STRANGE: 2,
  DQ_KAFKA_UNREACHABLE: 3,
  DQ_KAFKA_FATAL: 2,
  DQ_KAFKA_TOPIC_MISSING: 2,
  DQ_KAFKA_UNREADABLE: 1,
  DQ_KAFKA_LOG_TRUNCATED: 1,
  DQ_KAFKA_HEADER_LOST: 2,
  DQ_POSTGRES_UNREACHABLE: 3,
  DQ_COPY_INTERRUPTED: 3,
  DQ_POSTGRES_REFUSED: 2,
  DQ_RECORD_CONFLICT: 1,
  DQ_STORAGE_UNREACHABLE: 3,
  DQ_STORAGE_REFUSED: 2,
  DQ_STORAGE_CORRUPT: 1,
  DQ_PAYLOAD_GONE: 1,
  DQ_SPOOL_FULL: 3,
  DQ_SPOOL_UNAVAILABLE: 3,
  DQ_SPOOL_TAKEN: 2,
  DQ_WORKER_LOST: 1,
  DQ_OIDC_UNREACHABLE: 3,
  DQ_HTTP_LISTEN: 2,
  DQ_DRAIN_TIMEOUT: 1,
};

/** The exit code for whatever was thrown. A bug of ours is 1. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof DataQuarantineError ? exitCodes[error.code] : 1;
}
