import { DataQuarantineError } from '../../lib/errors.ts';

/**
 * Objects that are written once and never changed, by key. A key is relative to the store's URL: parts joined by `/`.
 * Every method throws `DQ_STORAGE_UNREACHABLE` for what may pass (network, time-outs, faults of the server, a full disk) and
 * `DQ_STORAGE_REFUSED` for what will not (no bucket or folder, no right); `DQ_CONFIG_INVALID` where a region or keys are needed and none
 * can be had.
 */
export interface ObjectStore {
  /**
   * Keeps the bytes; when the promise is fulfilled they are durable. An object is never overwritten: if one of that key is there,
   * an equal one counts as done, since an earlier attempt may have gone through unnoticed, and another is `DQ_STORAGE_REFUSED`.
   */
  put(key: string, bytes: Buffer | readonly Buffer[]): Promise<void>;
  /** `length` bytes from `offset`. Throws `DQ_STORAGE_CORRUPT` if the object is missing or shorter. */
  read(key: string, offset: number, length: number): Promise<Buffer>;
  /** Makes the bucket or folder if it is missing. */
  ensure(): Promise<void>;
  /** Is the bucket or folder there, and may we use it? Changes nothing. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** `bytes` as one Buffer, without a copy where they are one already. */
export function joined(bytes: Buffer | readonly Buffer[]): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes);
}

export function objectExists(where: string): DataQuarantineError {
  return new DataQuarantineError('DQ_STORAGE_REFUSED', `${where} exists already with other bytes; objects are never overwritten`);
}

export function objectDamaged(where: string, why: string): DataQuarantineError {
  return new DataQuarantineError('DQ_STORAGE_CORRUPT', `${where} does not hold what was stored: ${why}`);
}
