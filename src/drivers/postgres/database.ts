import { DatabaseError, Pool, type PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { DataQuarantineError, messageOf } from '../../lib/errors.ts';

export interface DatabaseOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters that libpq knows. */
  readonly url: string;
  /** Connections at most. */
  readonly poolMax: number;
}

/** A connection that is ours for the time of one call of {@link Database.withClient}. */
export type DatabaseClient = PoolClient;

const connectMsMax = 10_000;
const closeMsMax = 1_000;
/** A statement that takes longer counts as lost: the connection may be half open. COPY has a limit of its own. */
const queryMsMax = 60_000;

/** A pool of connections to `url`. Nothing is asked of the server before the first call. */
export function openDatabase(options: DatabaseOptions): Database {
  return new Database(options);
}

/**
 * A pool of connections. A connection goes back into it only after work that ended well: after any failure its state is not known,
 * so its socket is closed and the server rolls back what was open.
 */
export class Database {
  readonly #pool: Pool;
  readonly #lent = new Set<PoolClient>();

  constructor({ url, poolMax }: DatabaseOptions) {
    this.#pool = new Pool({
      connectionString: url,
      max: poolMax,
      connectionTimeoutMillis: connectMsMax,
      query_timeout: queryMsMax,
      keepAlive: true,
      application_name: 'dataquarantine',
    });
    // An idle connection that breaks leaves the pool by itself; the next call makes another and meets the cause.
    this.#pool.on('error', () => {});
    // The pool listens while a connection is idle, not while it is lent, nor while one that failed is ended. Unheard, what the server says
    // then would end the process: that it is shut down, mostly.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /**
   * Lends a connection to `work`. What the server or the network did wrong is thrown as `DQ_POSTGRES_UNREACHABLE` (may pass) or
   * `DQ_POSTGRES_REFUSED` (will not); all else that `work` throws goes through as it is.
   */
  async withClient<T>(work: (client: DatabaseClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    this.#lent.add(client);
    let failure: unknown = null;
    try {
      return await work(client);
    } catch (error) {
      failure = error;
      throw databaseError(error);
    } finally {
      this.#lent.delete(client);
      client.release(failure !== null);
    }
  }

  /** Does the server answer? Throws as {@link withClient} does. */
  async check(): Promise<void> {
    await this.withClient((client) => client.query('SELECT 1'));
  }

  /** Waits a moment for the connections that are lent, then ends them: a server that hangs must not keep the process. */
  async close(): Promise<void> {
    const ended = this.#pool.end();
    const timer = setTimeout(() => {
      // The driver breaks the socket of a client that has a query under way.
      for (const client of this.#lent) (client as unknown as { end(): Promise<void> }).end().catch(() => {});
    }, closeMsMax);
    await ended.finally(() => clearTimeout(timer));
  }
}

export interface CopyInOptions {
  /** `COPY … FROM STDIN …` */
  readonly sql: string;
  /** All rows at once: every write to a COPY stream costs two to the socket. */
  readonly bytes: Buffer;
  readonly msMax: number;
}

/**
 * Copies rows in and returns how many the server took. When the promise is fulfilled they are committed, or part of the transaction
 * that the caller opened. Throws `DQ_COPY_INTERRUPTED` if the outcome is unknown or the failure may pass, else what the server said.
 */
export function copyIn(client: DatabaseClient, { sql, bytes, msMax }: CopyInOptions): Promise<number> {
  const copy = client.query(copyFrom(sql));
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      // Ends the stream's own waiting for the socket, so that nothing of this COPY is sent after the next statement.
      copy.destroy();
      reject(
        isPassing(error)
          ? new DataQuarantineError('DQ_COPY_INTERRUPTED', `a COPY was interrupted: ${error.message}`, { cause: error })
          : error,
      );
    };
    const timer = setTimeout(() => fail(new Error(`it did not end within ${msMax} ms`)), msMax);
    copy.on('error', fail);
    copy.once('finish', () => {
      clearTimeout(timer);
      resolve(copy.rowCount);
    });
    copy.end(bytes);
  });
}

/** The SQLSTATE with which the server refused, null if the error is not the server's. */
export function sqlStateOf(error: unknown): string | null {
  return error instanceof DatabaseError ? (error.code ?? null) : null;
}

/**
 * Classes of SQLSTATE that mean "not now": connection, transaction rolled back, resources (a full disk too), object in use,
 * operator (shut-down, cancel), system; and a server that is a standby for the moment.
 */
const passingClasses: ReadonlySet<string> = new Set(['08', '40', '53', '55', '57', '58']);
const readOnlyTransaction = '25006';

function isPassing(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== null) return passingClasses.has(state.slice(0, 2)) || state === readOnlyTransaction;
  // The driver's own errors are sockets' (with an errno), time-outs and lost connections, save for a password that is missing.
  return isDriverError(error) && !messageOf(error).startsWith('SASL');
}

/** Not one of ours, and not the TypeError of a bug. */
function isDriverError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (error.constructor === Error || 'errno' in error || 'code' in error) &&
    !(error instanceof DataQuarantineError)
  );
}

function databaseError(error: unknown): unknown {
  if (!(error instanceof DatabaseError) && !isDriverError(error)) return error;
  if (isPassing(error)) return new DataQuarantineError('DQ_POSTGRES_UNREACHABLE', `PostgreSQL: ${reasonOf(error)}`, { cause: error });
  return new DataQuarantineError('DQ_POSTGRES_REFUSED', `PostgreSQL refused: ${reasonOf(error)}`, { cause: error });
}

/** Several addresses of one host that all refused come as an AggregateError without a message. */
function reasonOf(error: Error): string {
  const inner = error instanceof AggregateError ? messageOf(error.errors[0]) : error.message;
  const state = sqlStateOf(error);
  return state === null ? inner : `${inner} (SQLSTATE ${state})`;
}
