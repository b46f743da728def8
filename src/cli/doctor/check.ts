import { DataQuarantineError, type ErrorCode, messageOf } from '../../lib/errors.ts';
import { withoutUrlSecrets } from '../../lib/mask.ts';
import { exitCodeOf } from '../exit-codes.ts';

/** `warning`: the service runs, but probably not as meant. `unreachable`: nothing can be said, for a service does not answer. */
export type CheckState = 'ok' | 'warning' | 'failed' | 'unreachable';

/** What the doctor found in one place. */
export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly detail: string;
  /** What to do, null where nothing is to be done or the detail says it. */
  readonly remedy: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, remedy: null };
}

export function warning(name: string, detail: string, remedy: string): Check {
  return { name, state: 'warning', detail, remedy };
}

export function failed(name: string, detail: string, remedy: string | null = null): Check {
  return { name, state: 'failed', detail, remedy };
}

/** What `work` finds; what it throws becomes a finding under `name`. */
export async function examine(name: string, work: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await work();
  } catch (error) {
    const remedy = error instanceof DataQuarantineError ? (remedies[error.code] ?? null) : null;
    return [{ name, state: exitCodeOf(error) === 3 ? 'unreachable' : 'failed', detail: withoutUrlSecrets(messageOf(error)), remedy }];
  }
}

/** What to do about the failures that an examination may meet. */
const remedies: Readonly<Partial<Record<ErrorCode, string>>> = {
  DQ_KAFKA_UNREACHABLE: 'Check kafka.brokers, the network and the brokers.',
  DQ_KAFKA_FATAL: 'Check the login and the security settings in kafka.client.',
  DQ_KAFKA_TOPIC_MISSING: 'Run dq topics create, or grant the right.',
  DQ_POSTGRES_UNREACHABLE: 'Check postgres.url, the network and the server.',
  DQ_POSTGRES_REFUSED: 'Check user, password and database in postgres.url, and the rights of the user.',
  DQ_STORAGE_UNREACHABLE: 'Check storage.url, storage.endpoint, the region, the network and the server.',
  DQ_STORAGE_REFUSED: 'Run dq topics create to make the bucket or folder, or check storage.url and the rights.',
};
