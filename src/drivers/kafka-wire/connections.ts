import {
  AuthenticationError,
  apiVersionsV3,
  type Broker,
  type Connection,
  type ConnectionOptions,
  ConnectionPool,
  protocolErrors,
  protocolErrorsCodesById,
  ResponseError,
} from '@platformatic/kafka';
import { DataQuarantineError, type ErrorCode, messageOf } from '../../lib/errors.ts';

/** One version of one request of the Kafka protocol, as the library's `createAPI` makes it. */
export interface WireApi<Args extends unknown[], Answer> {
  readonly key: number;
  readonly version: number;
  readonly async: (connection: Connection, ...args: Args) => Promise<Answer>;
}

/** A connection that has not answered for so long is given up; the library itself would wait for ever. */
const answerMsMax = 30_000;
const closeMsMax = 2_000;
/** Six attempts within some six seconds: enough for an election or a new cluster's first group, short enough for who waits. */
const attemptsMax = 6;
const retryDelayMs = 200;

/**
 * The connections to the brokers of one cluster: speaks one version of each request that both sides know, sets a limit to waiting
 * and turns the library's errors into ours. An answer that carries error codes is returned like any other: what a code means
 * depends on the question.
 */
export class Connections {
  readonly #pool: ConnectionPool;
  readonly #bootstrap: Broker[];
  readonly #open = new Set<Connection>();
  #ranges: ReadonlyMap<number, { minVersion: number; maxVersion: number }> | null = null;

  constructor(bootstrap: readonly Broker[], options: ConnectionOptions) {
    this.#bootstrap = [...bootstrap];
    this.#pool = new ConnectionPool('dataquarantine-wire', options);
    this.#pool.on('connecting', ({ connection }: { connection: Connection }) => {
      this.#open.add(connection);
      connection.once('close', () => this.#open.delete(connection));
      // A failed connection reports itself through the pending calls; without a listener its event would end the process.
      connection.on('error', () => this.#open.delete(connection));
    });
  }

  /** Asks `broker` (null: any), in the first of `apis` that the cluster knows; the caller lists them newest first. */
  async call<Args extends unknown[], Answer>(
    broker: Broker | null,
    apis: readonly WireApi<Args, Answer>[],
    ...args: Args
  ): Promise<Answer> {
    const connection = await this.#connect(broker);
    return this.#ask(connection, await this.#choose(connection, apis), ...args);
  }

  /** Repeats `work` while it fails for reasons that may pass. */
  async retry<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const passing = error instanceof DataQuarantineError && error.retryable;
        if (!passing || attempt === attemptsMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs * 2 ** (attempt - 1)));
      }
    }
  }

  async close(): Promise<void> {
    await withLimit(closeMsMax, this.#pool.close()).catch(() => undefined);
    for (const connection of this.#open) connection.socket.destroy();
  }

  async #connect(broker: Broker | null): Promise<Connection> {
    const connecting = broker ? this.#pool.get(broker) : this.#pool.getFirstAvailable(this.#bootstrap);
    try {
      return await withLimit(answerMsMax, connecting);
    } catch (error) {
      for (const connection of this.#open) if (!connection.isConnected()) connection.socket.destroy();
      const where = broker ? `${broker.host}:${broker.port}` : this.#bootstrap.map(({ host, port }) => `${host}:${port}`).join(', ');
      const denial = findCause(error, (cause) => cause instanceof AuthenticationError);
      if (denial)
        throw new DataQuarantineError('DQ_KAFKA_FATAL', `Kafka at ${where} refused the login: ${reasonOf(denial)}`, { cause: error });
      throw new DataQuarantineError('DQ_KAFKA_UNREACHABLE', `Kafka at ${where} cannot be reached: ${reasonOf(error)}`, { cause: error });
    }
  }

  async #choose<Args extends unknown[], Answer>(
    connection: Connection,
    apis: readonly WireApi<Args, Answer>[],
  ): Promise<WireApi<Args, Answer>> {
    if (this.#ranges === null) {
      const { apiKeys } = await this.#ask(connection, apiVersionsV3.api, 'dataquarantine', '1');
      this.#ranges = new Map(apiKeys.map((range) => [range.apiKey, range]));
    }
    const range = this.#ranges.get(apis[0]?.key as number);
    const api = apis.find(({ version }) => range && range.minVersion <= version && version <= range.maxVersion);
    if (api) return api;
    const wanted = apis.map(({ version }) => version).join(', ');
    throw new DataQuarantineError(
      'DQ_KAFKA_FATAL',
      `The brokers speak no version (${wanted}) of request ${apis[0]?.key}; Kafka 3.1 or newer is needed.`,
    );
  }

  async #ask<Args extends unknown[], Answer>(connection: Connection, api: WireApi<Args, Answer>, ...args: Args): Promise<Answer> {
    try {
      return await withLimit(answerMsMax, api.async(connection, ...args));
    } catch (error) {
      if (error instanceof ResponseError) return error['response'] as Answer;
      if (error instanceof DataQuarantineError) throw error;
      connection.socket.destroy();
      throw new DataQuarantineError(
        'DQ_KAFKA_UNREACHABLE',
        `Kafka at ${connection.host}:${connection.port} gave no answer: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}

const topicUnknown = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INVALID_TOPIC_EXCEPTION']);

/** The error for an error code in an answer, `what` saying in a few words what was asked for. */
export function refusal(errorCode: number, what: string): DataQuarantineError {
  const name = protocolErrorsCodesById[errorCode] ?? `error ${errorCode}`;
  const known = protocolErrors[name];
  const message = `${what}: ${known?.message ?? 'the broker refused.'} (${name})`;
  return new DataQuarantineError(codeFor(name, known?.canRetry ?? false), message);
}

function codeFor(name: string, canRetry: boolean): ErrorCode {
  if (topicUnknown.has(name) || name === 'TOPIC_AUTHORIZATION_FAILED' || name === 'GROUP_AUTHORIZATION_FAILED')
    return 'DQ_KAFKA_TOPIC_MISSING';
  return canRetry ? 'DQ_KAFKA_UNREACHABLE' : 'DQ_KAFKA_FATAL';
}

async function withLimit<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} seconds`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The innermost reasons, where the library's own messages say only that something failed. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(reasonOf))].join('; ') || error.message;
  if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
  return messageOf(error);
}

function findCause(error: unknown, matches: (cause: unknown) => boolean): unknown {
  if (matches(error)) return error;
  if (error instanceof AggregateError)
    return error.errors.map((inner) => findCause(inner, matches)).find((found) => found !== null) ?? null;
  return error instanceof Error && error.cause !== undefined ? findCause(error.cause, matches) : null;
}
