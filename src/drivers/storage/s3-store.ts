import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';
import { joined, type ObjectStore, objectDamaged, objectExists } from './object-store.ts';

/** Where the server is and who asks. */
export interface S3Access {
  /** The server's URL where it is not AWS; buckets are then addressed by path. */
  readonly endpoint: string | null;
  /** Null: as the AWS SDK finds it (`AWS_REGION`, profile), or `us-east-1` where an endpoint is given. */
  readonly region: string | null;
  /** Null: as the AWS SDK finds them (`AWS_ACCESS_KEY_ID`, profile, instance role). */
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
  /** Goes with temporary keys. */
  readonly sessionToken?: string | null;
}

export interface S3StoreOptions extends S3Access {
  readonly bucket: string;
  /** Empty, or ends in `/`. */
  readonly prefix: string;
}

/** A call that takes longer, its body included, has failed. A segment is a few megabytes. */
const callMsMax = 30_000;
const connectMsMax = 5_000;

/** Answers below 500 that mean "not now": a slow request, a race for the key, too many requests, a clock that the SDK now corrects. */
const passingStatuses: ReadonlySet<number> = new Set([408, 409, 429]);
const passingNames: ReadonlySet<string> = new Set(['RequestTimeout', 'RequestTimeTooSkewed', 'SlowDown', 'Throttling', 'TooManyRequests']);

/**
 * Objects in a bucket of S3 or of a server that speaks its protocol. The SDK makes one attempt a call; trying again is the
 * caller's business. Needs the rights s3:GetObject, s3:PutObject and s3:ListBucket, and s3:CreateBucket for `ensure`.
 */
export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  /** Does the server know `If-None-Match`? Assumed until it says no; then an object is looked for before it is written. */
  #conditional = true;

  constructor(options: S3StoreOptions) {
    this.#bucket = options.bucket;
    this.#prefix = options.prefix;
    this.#client = createClient(options);
  }

  async put(key: string, bytes: Buffer | readonly Buffer[]): Promise<void> {
    const body = joined(bytes);
    const where = this.#where(key);
    try {
      if (await this.#putNew(key, body)) return;
    } catch (error) {
      if (!this.#conditional || statusOf(error) !== 501) throw storageError(error, `write ${where}`);
      this.#conditional = false;
      return this.put(key, body);
    }
    if (!(await this.#get(key, null)).equals(body)) throw objectExists(where);
  }

  async read(key: string, offset: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    const bytes = await this.#get(key, `bytes=${offset}-${offset + length - 1}`);
    if (bytes.length !== length) throw objectDamaged(this.#where(key), `it ends before byte ${offset + length}`);
    return bytes;
  }

  async ensure(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), deadline());
    } catch (error) {
      if (statusOf(error) !== 404) throw storageError(error, `look for ${this.#where()}`);
      await this.#createBucket();
    }
  }

  async check(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), deadline());
    } catch (error) {
      throw storageError(error, `use ${this.#where()}`);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** False, with nothing changed, if an object of that key is there already. */
  async #putNew(key: string, body: Buffer): Promise<boolean> {
    if (!this.#conditional && (await this.#exists(key))) return false;
    try {
      const condition = this.#conditional ? { IfNoneMatch: '*' } : {};
      await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: body, ...condition }), deadline());
      return true;
    } catch (error) {
      if (statusOf(error) === 412) return false;
      throw error;
    }
  }

  async #exists(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand(this.#at(key)), deadline());
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }

  async #get(key: string, range: string | null): Promise<Buffer> {
    try {
      const { Body: body } = await this.#client.send(
        new GetObjectCommand({ ...this.#at(key), ...(range === null ? {} : { Range: range }) }),
        deadline(),
      );
      const bytes = (await body?.transformToByteArray()) ?? new Uint8Array();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'NoSuchKey') throw objectDamaged(this.#where(key), 'it is missing');
      if (statusOf(error) === 416) throw objectDamaged(this.#where(key), 'it ends before the bytes that were asked for');
      throw storageError(error, `read ${this.#where(key)}`);
    }
  }

  async #createBucket(): Promise<void> {
    try {
      await this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket }), deadline());
    } catch (error) {
      // Another instance of ours was faster. A bucket of somebody else's is another error, BucketAlreadyExists.
      if (error instanceof S3ServiceException && error.name === 'BucketAlreadyOwnedByYou') return;
      throw storageError(error, `make the bucket ${this.#bucket}`);
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }

  #where(key = ''): string {
    return `s3://${this.#bucket}/${this.#prefix}${key}`;
  }
}

function createClient({ endpoint, region, accessKeyId, secretAccessKey, sessionToken = null }: S3Access): S3Client {
  const checksums = 'WHEN_REQUIRED' as const;
  return new S3Client({
    ...(region !== null ? { region } : endpoint !== null ? { region: 'us-east-1' } : {}),
    ...(accessKeyId !== null && secretAccessKey !== null
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== null && { sessionToken }) } }
      : {}),
    // Servers other than AWS differ in how they take the checksums that the SDK would add on its own; the signature has one anyway.
    ...(endpoint === null
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: checksums, responseChecksumValidation: checksums }),
    maxAttempts: 1,
    // Waiting for leave to send the body costs a round trip and, in the SDK, a connection of its own.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: connectMsMax, socketTimeout: callMsMax },
  });
}

function deadline(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(callMsMax) };
}

function statusOf(error: unknown): number | null {
  return (error instanceof S3ServiceException && error.$metadata.httpStatusCode) || null;
}

function storageError(error: unknown, what: string): DataQuarantineError {
  const unset = unsetOf(error);
  if (unset !== null) return new DataQuarantineError('DQ_CONFIG_INVALID', `cannot ${what}: ${unset}`, { cause: error });
  const status = statusOf(error);
  const name = error instanceof Error ? error.name : 'Error';
  const passing = status === null || isPassing(status, name);
  // The answer to a HEAD has no body, hence no message.
  const said = messageOf(error) === 'UnknownError' ? '' : `: ${messageOf(error)}`;
  const detail = status === null ? messageOf(error) : `HTTP ${status} ${name}${said}`;
  const code = passing ? 'DQ_STORAGE_UNREACHABLE' : 'DQ_STORAGE_REFUSED';
  return new DataQuarantineError(code, `cannot ${what}: ${detail}${remedyOf(status, name)}`, { cause: error });
}

/** What mostly helps against an answer, as the end of its sentence. */
function remedyOf(status: number | null, name: string): string {
  if (status === 403) return '; check the rights of AWS_ACCESS_KEY_ID and that AWS_SECRET_ACCESS_KEY is its secret';
  if (status === 404 && name !== 'NoSuchKey') return '; make the bucket with: dq topics create';
  return '';
}

/** The SDK looked everywhere for a region or keys and found none that it can use: which, and what to set. Null for all that a server said. */
function unsetOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error.message === 'Region is missing') return 'no region is set; set AWS_REGION (storage.region) to that of the bucket';
  if (error.name !== 'CredentialsProviderError') return null;
  return `${error.message}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or see to the profile or the role of this machine`;
}

function isPassing(status: number, name: string): boolean {
  return (status >= 500 && status !== 501) || passingStatuses.has(status) || passingNames.has(name);
}
