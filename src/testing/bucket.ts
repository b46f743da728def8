import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openStorage } from '../drivers/storage/open-storage.ts';
import { requireSuffix } from './require-suffix.ts';
import type { S3Address } from './services/service.ts';

requireSuffix('bucket.ts', ['s3', 'e2e', 'browser']);

export interface Bucket extends S3Address {
  /** As `DQ_STORAGE_URL` takes it. */
  readonly url: string;
}

/** Makes a bucket that no other test knows, on the server of this run or on another one. */
export async function freshBucket(server: S3Address = s3Address()): Promise<Bucket> {
  const bucket = { ...server, url: `s3://dq-${randomBytes(8).toString('hex')}` };
  const storage = openStorage(bucket);
  try {
    await storage.ensure();
    return bucket;
  } finally {
    await storage.close();
  }
}

/** The S3 server of this run. */
export function s3Address(): S3Address {
  const s3 = inject('s3');
  if (s3 === null) throw new Error('no S3 server was started for this run');
  return s3;
}
