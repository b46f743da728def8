import { messageOf } from '../../lib/errors.ts';
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
    const detail = withoutUrlSecrets(messageOf(error));
    return [exitCodeOf(error) === 3 ? { name, state: 'unreachable', detail, remedy: null } : failed(name, detail)];
  }
}
