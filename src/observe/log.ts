import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { maskText, withoutUrlSecrets } from '../lib/mask.ts';

/** A structured log. Never give it a payload, a key, a header or the properties of the Kafka client. */
export type Log = Logger;

/** The most that is written of one error's message: a server's answer may quote what it was sent at length. */
const messageCharactersMax = 2_000;
const causesMax = 4;

/**
 * JSON lines, one an event. Written at once, not from a buffer: the lines are few, and the last ones before a crash are those that
 * count. `stream` is standard output for the service, where container platforms look, and standard error for every other command.
 */
export function createLog(options: { level: string; stream: 'stdout' | 'stderr' | DestinationStream }): Log {
  const { level, stream } = options;
  const target = typeof stream === 'string' ? destination({ dest: stream === 'stdout' ? 1 : 2, sync: true }) : stream;
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      errorKey: 'err',
      redact: { paths: secretPaths, censor: maskText },
    },
    target,
  );
}

/** A log that writes nothing, for tests. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** What the log shows of an error. */
export interface ErrorDescription {
  readonly type: string;
  readonly code: string | number | null;
  readonly message: string;
  readonly stack: string | null;
  readonly cause: ErrorDescription | null;
}

/**
 * Only what is known to be harmless: the fields of a database error can quote the very row that was refused, and those of an HTTP
 * client hold the request with its credentials.
 */
export function describeError(error: unknown, causes = causesMax): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, code: null, message: shortened(String(error)), stack: null, cause: null };
  const code: unknown = 'code' in error ? error.code : null;
  return {
    type: error.name,
    code: typeof code === 'string' || typeof code === 'number' ? code : null,
    message: shortened(error.message),
    stack:
      error.stack
        ?.split('\n')
        .filter((line) => line.startsWith('    at '))
        .join('\n') ?? null,
    cause: error.cause === undefined || causes === 0 ? null : describeError(error.cause, causes - 1),
  };
}

function shortened(message: string): string {
  return withoutUrlSecrets(message.length > messageCharactersMax ? `${message.slice(0, messageCharactersMax)}…` : message);
}

const secretNames = ['password', 'secret', 'token', 'authorization', 'secretAccessKey', 'sessionToken', 'clientSecret', 'connectionString'];

/** A net below the rule that secrets are not logged at all: fields of telling names, at the top and one level down. */
const secretPaths = secretNames.flatMap((name) => [name, `*.${name}`]);
