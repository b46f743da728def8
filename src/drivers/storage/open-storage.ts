import { fileURLToPath } from 'node:url';
import { DataQuarantineError } from '../../lib/errors.ts';
import { FileStore } from './file-store.ts';
import type { ObjectStore } from './object-store.ts';
import { type S3Access, S3Store } from './s3-store.ts';

export interface StorageOptions extends S3Access {
  /** `s3://BUCKET[/PREFIX]` or `file:///DIR`. */
  readonly url: string;
}

/** The object store at `url`. Nothing is asked of it before the first call; a URL that makes no sense is `DQ_CONFIG_INVALID`. */
export function openStorage(options: StorageOptions): ObjectStore {
  const { url } = options;
  // Bucket names by the rules of S3: URL parsing would fold their case and take dots for a host.
  const [, bucket, prefix] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/+(.*?))?\/*$/.exec(url) ?? [];
  if (bucket !== undefined) return new S3Store({ ...options, bucket, prefix: prefix ? `${prefix}/` : '' });
  if (url.startsWith('file:///')) return new FileStore(fileURLToPath(url));
  throw new DataQuarantineError('DQ_CONFIG_INVALID', `storage.url must read s3://BUCKET, s3://BUCKET/PREFIX or file:///DIR; it is ${url}`);
}
